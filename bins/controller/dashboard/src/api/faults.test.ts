// Holds that each fault is told once, at its field or below the form.
import { ApiError } from './client';
import { faultsAt, faultsElsewhere } from './faults';

const error = new ApiError(422, 'invalid-body', 'The body is not valid', 'there are 2 faults', [{ path: 'name', message: 'is missing' }, { path: 'scenario.targetUrl', message: 'is no URL' }, { path: '', message: 'is empty' }]);

test('a fault stands at its field', () => {
  expect(faultsAt(error, 'name')).toEqual(['is missing']);
  expect(faultsAt(error, /targetUrl$/)).toEqual(['is no URL']);
  expect(faultsAt(null, 'name')).toEqual([]);
});

test('what has no field is told below', () => {
  expect(faultsElsewhere(error, ['name'])).toEqual(['scenario.targetUrl is no URL', 'is empty']);
  expect(faultsElsewhere(error, ['name', /targetUrl$/, ''])).toEqual([]);
  expect(faultsElsewhere(new ApiError(0, 'unreachable', 'x', 'It is away'), ['name'])).toEqual(['It is away']);
  expect(faultsElsewhere(null, [])).toEqual([]);
});
