// A token in the address: taken once, and gone from there.

import { beforeEach, expect, test } from 'vitest';
import { tokenInAddress } from './session-store';

beforeEach(() => history.replaceState(null, '', '/tech?x=1'));

test('a link gives its token, and the address keeps the room only', () => {
  history.replaceState(null, '', '/tech?x=1#token=2.abc_-.DEF');
  expect(tokenInAddress()).toBe('2.abc_-.DEF');
  expect(location.pathname + location.search + location.hash).toBe('/tech?x=1');
  expect(tokenInAddress()).toBeUndefined();
});

test.each(['#other', '#x&token=a', '?token=a'])('%s is no token', (hash) => {
  history.replaceState(null, '', `/tech${hash}`);
  expect(tokenInAddress()).toBeFalsy();
  expect(location.href).toContain(hash);
});
