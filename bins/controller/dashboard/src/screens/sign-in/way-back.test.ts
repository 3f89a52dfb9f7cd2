// Holds that a sign-in leads back to this page and nowhere else.
import { errorOf, wayBack } from './way-back';

const HERE = 'https://load.example';

test('leads back to where one was', () => {
  expect(wayBack('/runs/1?tab=errors#plots', HERE)).toBe(`${HERE}/runs/1?tab=errors#plots`);
  expect(wayBack(undefined, HERE)).toBe(`${HERE}/`);
});

test.each(['//evil.example/', '/\\evil.example', '/\t/evil.example', 'https://evil.example/', 'javascript:alert(1)', '\\\\evil.example', 'evil', '/sign-in?to=/sign-in', `@evil.example`])('leads home instead of to %j', (to) => {
  expect(wayBack(to, HERE)).toBe(`${HERE}/`);
});

test('a path that would be another site by itself stays here', () => {
  expect(wayBack('/x/..//evil.example', HERE)).toBe(`${HERE}//evil.example`);
});

test('says what the sign-in says', () => {
  expect(errorOf({}, '')).toBeNull();
  expect(errorOf({ error: 'access_denied', error_description: 'The user said no' }, '')).toBe('The user said no');
  expect(errorOf({}, '#error=access_denied&error_code=otp_expired&error_description=Email+link+is+invalid')).toMatch(/too old/);
  expect(errorOf({ error: 'server_error' }, '')).toBe('server_error');
});
