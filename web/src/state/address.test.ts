// Addresses and rooms.

import { describe, expect, it } from 'vitest';
import { addressOf, meant, roomIn } from './address';

const NAMES = ['general', 'tech', 'Q&A', 'q-a', 'büro'];

describe('the room in an address', () => {
  it.each([
    ['/', null],
    ['//', null],
    ['/tech', 'tech'],
    ['/tech/', 'tech'],
    ['/tech//', 'tech'],
    ['//tech', 'tech'],
    ['/Tech', 'tech'],
    ['/TECH/', 'tech'],
    ['/%74ech', 'tech'],
    ['/%54ECH%2F', 'tech'],
    ['/tech%20', 'tech'],
    ['/Q%26A', 'Q&A'],
    ['/q%26a', 'Q&A'],
    ['/B%C3%BCro', 'büro'],
    ['/BÜRO', 'büro'],
    ['/Nowhere/', 'Nowhere'],
    ['/100%', '100%'],
    ['/%ff', '%ff'],
    ['/tech/more', 'tech/more'],
  ])('%s', (path, room) => expect(roomIn(path, '/', NAMES)).toBe(room));

  it('is what follows the path of the page', () => {
    expect(roomIn('/chat/', '/chat/', NAMES)).toBeNull();
    expect(roomIn('/chat/Tech/', '/chat/', NAMES)).toBe('tech');
  });

  it('is as it is written while the rooms are not known', () =>
    expect(roomIn('/Tech/', '/', [])).toBe('Tech'));

  it('is found again from the address of every room', () => {
    for (const base of ['/', '/chat/'])
      for (const room of [...NAMES, 'a/b', 'a b', '%'])
        expect(roomIn(addressOf(room, base), base, [room])).toBe(room);
    expect(roomIn(addressOf(null, '/chat/'), '/chat/', NAMES)).toBeNull();
  });

  it('prefers the case that is asked for', () => expect(meant(['A', 'a'], 'a')).toBe('a'));
});
