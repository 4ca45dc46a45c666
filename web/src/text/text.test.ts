// Links, marks and counting.

import { describe, expect, it } from 'vitest';
import { links } from './links';
import { parse } from './marks';
import { mentions } from './mentions';
import { graphemes, hue, initials, visible } from './plain';

const hrefs = (text: string) => links(text).map((link) => text.slice(link.start, link.end));
const shown = (text: string, me = '') => parse(text, me).map((part) => `${part.kind}:${part.text}`);

describe('links', () => {
  it.each([
    ['see https://a.example/x.', ['https://a.example/x']],
    ['(https://a.example/x)', ['https://a.example/x']],
    ['https://a.example/x_(y)', ['https://a.example/x_(y)']],
    ['(see https://a.example/x_(y)), then', ['https://a.example/x_(y)']],
    ['javascript:alert(1) data:text/html,x ftp://a.example', []],
    ['https://', []],
    ['https://bank.example@evil.example/', []],
    ['http://a.example http://b.example!', ['http://a.example', 'http://b.example']],
    ['<https://a.example>', ['https://a.example']],
  ])('in %s', (text, found) => expect(hrefs(text)).toEqual(found));
});

describe('marks', () => {
  it.each([
    ['plain', ['text:plain']],
    ['a *b* _c_ `d`', ['text:a ', 'bold:b', 'text: ', 'italic:c', 'text: ', 'code:d']],
    ['2*3*4 snake_case_name', ['text:2*3*4 snake_case_name']],
    ['`*not bold*`', ['code:*not bold*']],
    ['`https://a.example`', ['code:https://a.example']],
    ['https://a.example/_x_', ['link:https://a.example/_x_']],
    ['```js\nlet a = *1*;\n```', ['block:let a = *1*;']],
    ['<b>x</b>', ['text:<b>x</b>']],
  ])('of %s', (text, parts) => expect(shown(text)).toEqual(parts));

  it('finds the reader, as a whole word', () => {
    expect(shown('hi @ada, @adam', 'Ada')).toEqual(['text:hi ', 'mention:@ada', 'text:, @adam']);
    expect(mentions('mail@ada', 'Ada')).toBe(false);
    expect(mentions('@a.b+c', 'a.b+c')).toBe(true);
  });

  it('loses no character', () => {
    const text = 'x *b* ```c``` https://a.example _i_ @Ada';
    const joined = parse(text, 'Ada')
      .map((part) => part.text)
      .join('');
    expect(joined.length).toBe(text.length - 2 - 6 - 2);
  });
});

describe('plain text', () => {
  it('shows what hides', () => expect(visible('a\u0000b\nc\td\u009f')).toBe('a\ufffdb\nc\td\ufffd'));
  it('counts as people do', () => expect(graphemes('👩‍👩‍👧e\u0301x')).toBe(3));
  it('makes initials', () =>
    expect([initials('ada lovelace'), initials('Bob'), initials('👋')]).toEqual(['AL', 'B', '👋']));
  it('keeps a name’s hue', () => expect(hue('Ada')).toBe(hue('Ada')));
});
