// Holds where changes stand on the axis that they share.
import { placeOf, reach } from './interval';
import { headline, signed, wordsOf } from './words';

const of = (changePercent: number | null, ...changeInterval: number[]) => ({ changePercent, changeInterval: changeInterval.length > 0 ? changeInterval : null });

test('all points are on the axis, and one wild interval does not press the others together', () => {
  expect(reach([], 5)).toBe(20);
  expect(reach([of(-0.6, -2.3, 1.2), of(1, -3, 4), of(2, -1, 5), of(5.6, -74, 326)], 5)).toBe(20);
  expect(reach([of(60, 50, 70)], 5)).toBe(100);
  expect(reach([of(4000, 3000, 5000)], 5)).toBe(200);
  expect(reach([of(null), of(1)], 2)).toBe(5);
});

test('what is beyond the axis stands at its edge, and says so', () => {
  expect(placeOf(0, 20)).toEqual({ at: 0.5, beyond: 0 });
  expect(placeOf(-20, 20)).toEqual({ at: 0, beyond: 0 });
  expect(placeOf(326, 20)).toEqual({ at: 1, beyond: 1 });
  expect(placeOf(-21, 20)).toEqual({ at: 0, beyond: -1 });
});

test('changes are told with their sign, and what there is none of is a dash', () => {
  expect([signed(4.23), signed(-0.58), signed(0), signed(326.4), signed(null), signed(0.001)]).toEqual(['+4.2%', '−0.6%', '0%', '+326%', '–', '+0.001%']);
});

test('a judgement of another version is told in its own word', () => {
  expect(wordsOf('much_worse').word).toBe('Much worse');
  expect(headline({ judgement: 'regression' })).toMatch(/regression/);
});
