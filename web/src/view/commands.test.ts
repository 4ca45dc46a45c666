// What a text becomes when it is sent.

import { describe, expect, it } from 'vitest';
import { pageInRoom } from '../../tests/page';
import { commandAt, emojiAt } from './candidates';
import { commandsOf, outcomeOf } from './commands';
import { dialog } from './context';

describe('a text that is sent', () => {
  const { socket, store } = pageInRoom();
  const sent = (text: string) => {
    const outcome = outcomeOf(store, text);
    return outcome && 'send' in outcome ? outcome.send : outcome;
  };

  it.each([
    ['hello', 'hello'],
    ['/me waves', '*waves*'],
    ['/SHRUG', '¯\\_(ツ)_/¯'],
    ['/shrug who knows', 'who knows ¯\\_(ツ)_/¯'],
    ['//me waves', '/me waves'],
    ['/etc/passwd', '/etc/passwd'],
    ['1/2', '1/2'],
  ])('%s is %s', (text, becomes) => expect(sent(text)).toBe(becomes));

  it('is not sent if its command is unknown or incomplete', () => {
    for (const text of ['/nothing', '/me', '/nick', '/topic x', '/mute Bob'])
      expect(outcomeOf(store, text), text).toHaveProperty('problem');
  });

  it('renames, and opens the help', () => {
    expect(sent('/nick Countess')).toBeNull();
    expect(socket.last('join_room').payload).toMatchObject({ username: 'Countess' });
    expect(sent('/help')).toBeNull();
    expect(dialog.value).toBe('help');
    dialog.value = null;
  });

  it('does what moderators may do for them only', () => {
    const names = () => commandsOf(store).map(({ name }) => name);
    expect(names()).not.toContain('topic');
    socket.say('session', { token: 't', user_id: 'me', limits: {}, server: {}, role: 'moderator' });
    expect(names()).toContain('topic');
    expect(sent('/topic What is new')).toBeNull();
    expect(socket.last('moderate').payload).toEqual({ action: 'topic', text: 'What is new' });
    expect(outcomeOf(store, '/mute Nobody')).toHaveProperty('problem');
  });
});

it.each([
  [':ta', null, 'ta'],
  ['hi :tada', null, 'tada'],
  ['10:30', null, null],
  [':t', null, null],
  ['/', '', null],
  ['/he', 'he', null],
  ['/help me', null, null],
  ['a /he', null, null],
])('before the caret in %j', (text, command, emoji) => {
  expect([commandAt(text, text.length), emojiAt(text, text.length)]).toEqual([command, emoji]);
});
