// Links, marks and counting.

import { describe, expect, it } from 'vitest';
import { links, shortened } from './links';
import { type Block, isEmojiOnly, type Part, parse } from './marks';
import { mentions } from './mentions';
import { bytes, graphemes, hue, initials, visible } from './plain';
import { roomLeft } from './room-left';

const hrefs = (text: string) => links(text).map((link) => text.slice(link.start, link.end));
const inner = (part: Part): string =>
  'parts' in part ? `${part.kind}(${part.parts.map(inner).join(' ')})` : `${part.kind}:${part.text}`;
const outer = (block: Block): string[] => {
  if (block.kind === 'code') return [`block:${block.text}`];
  if (block.kind === 'list')
    return block.items.map(({ mark, parts }) => `${mark} ${parts.map(inner).join(' ')}`);
  const parts = block.parts.map(inner);
  return block.kind === 'quote' ? [`quote(${parts.join(' ')})`] : parts;
};
const shown = (text: string, me = '') => parse(text, me).flatMap(outer);

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
    ['see www.a.example/x, www. and xwww.b', ['www.a.example/x']],
    ['ask ada@a.example, or (bob.b+c@b.co.example).', ['ada@a.example', 'bob.b+c@b.co.example']],
    ['@ada a@b @a@b.example', []],
    ['https://a.example/@bob x@y.example', ['https://a.example/@bob', 'x@y.example']],
  ])('in %s', (text, found) => expect(hrefs(text)).toEqual(found));
});

describe('where a link leads', () => {
  const hosts = (text: string) => links(text).map(({ href, host }) => [new URL(href).hostname, host]);
  it.each([
    ['https://bank.example/x', 'bank.example', null],
    ['https://BANK.example:443/x', 'bank.example', null],
    ['https:///bank.example', 'bank.example', null],
    ['https://bank.example\\@evil.example', 'bank.example', null],
    // Look-alikes, in Cyrillic, in full width, in percents, as numbers, and with what is not seen.
    ['https://bаnk.example', 'xn--bnk-6cd.example', 'xn--bnk-6cd.example'],
    ['https://münchen.example', 'xn--mnchen-3ya.example', 'xn--mnchen-3ya.example'],
    ['https://xn--mnchen-3ya.example', 'xn--mnchen-3ya.example', null],
    ['https://ｅｖｉｌ.example', 'evil.example', 'evil.example'],
    ['https://%65vil.example', 'evil.example', 'evil.example'],
    ['https://2130706433/', '127.0.0.1', '127.0.0.1'],
    ['https://bank.example\u200b.evil.example', 'bank.example.evil.example', 'bank.example.evil.example'],
    ['https://evil。example', 'evil.example', 'evil.example'],
  ])('%s', (text, leads, shown) => expect(hosts(text)).toEqual([[leads, shown]]));

  it.each([
    'https://bank.example@evil.example',
    'https://bank.example:x@evil.example/',
    'https://@evil.example',
  ])('%s is none', (text) =>
    expect(hosts(text).filter(([host]) => host !== 'evil.example' || text.includes('@'))).toEqual([]),
  );

  it('ends before what turns its direction', () => {
    for (const mark of [
      '\u202e',
      '\u202d',
      '\u202a',
      '\u2066',
      '\u2067',
      '\u2068',
      '\u2069',
      '\u200f',
      '\u061c',
    ]) {
      const text = `https://a.example/${mark}moc.knab//:sptth`;
      expect([hrefs(text), hrefs(visible(text))]).toEqual([['https://a.example/'], ['https://a.example/']]);
    }
  });

  it('has its host first in a menu, and of a long one the end', () => {
    expect(shortened('https://a.example/')).toBe('a.example');
    expect(shortened(`https://a.example/${'x'.repeat(99)}`)).toBe(`a.example/${'x'.repeat(29)}…`);
    expect(shortened(`https://bank.example.${'x'.repeat(40)}.evil.example/`)).toMatch(/^…x+\.evil\.example$/);
  });
});

describe('marks', () => {
  it.each([
    ['plain', ['text:plain']],
    [
      'a **b** *c* _d_ ~~e~~ `f`',
      [
        'text:a ',
        'bold(text:b)',
        'text: ',
        'italic(text:c)',
        'text: ',
        'italic(text:d)',
        'text: ',
        'strike(text:e)',
        'text: ',
        'code:f',
      ],
    ],
    ['2*3*4 snake_case_name 2**3', ['text:2*3*4 snake_case_name 2**3']],
    ['**a *b* c**', ['bold(text:a  italic(text:b) text: c)']],
    ['***both***', ['bold(italic(text:both))']],
    ['**a *b***', ['bold(text:a  italic(text:b))']],
    ['*a **b***', ['italic(text:a  bold(text:b))']],
    ['**never closed', ['text:**never closed']],
    ['**a *b**', ['bold(text:a *b)']],
    ['*over\ntwo lines*', ['text:*over\ntwo lines*']],
    ['** not bold **, ****, ~no~', ['text:** not bold **, ****, ~no~']],
    ['¯\\_(ツ)_/¯', ['text:¯\\_(ツ)_/¯']],
    ['__init__', ['text:__init__']],
    ['**see https://a.example/_x_**', ['bold(text:see  link:https://a.example/_x_)']],
    ['`**not bold**`', ['code:**not bold**']],
    ['`https://a.example`', ['code:https://a.example']],
    ['```js\nlet a = *1*;\n```', ['block:let a = *1*;']],
    ['<b>x</b>', ['text:<b>x</b>']],
    ['> one\n> *two*\nthree', ['quote(text:one\n italic(text:two))', 'text:three']],
    ['- a\n* **b**\n2. c\n3) d', ['• text:a', '• bold(text:b)', '2. text:c', '3. text:d']],
    ['-5 and 2.5', ['text:-5 and 2.5']],
    ['> ```x```', ['quote()', 'block:x']],
  ])('of %s', (text, parts) => expect(shown(text)).toEqual(parts));

  it('finds the reader, as a whole word', () => {
    expect(shown('hi @ada, @adam', 'Ada')).toEqual(['text:hi ', 'mention:@ada', 'text:, @adam']);
    expect(mentions('mail@ada', 'Ada')).toBe(false);
    expect(mentions('@a.b+c', 'a.b+c')).toBe(true);
  });

  it('loses no character but the marks', () => {
    const textOf = (part: Part): string => ('parts' in part ? part.parts.map(textOf).join('') : part.text);
    const all = parse('x **b** ```c``` https://a.example _i_ @Ada\n- one\n> two ~~three~~ ** __ *', 'Ada');
    const text = all.flatMap((block) => {
      if (block.kind === 'code') return block.text;
      if (block.kind === 'list') return block.items.map(({ parts }) => parts.map(textOf).join(''));
      return block.parts.map(textOf);
    });
    expect(text.join('')).toBe('x b c https://a.example i @Adaonetwo three ** __ *');
  });

  it.each([
    ['👍', true],
    ['👍 🎉 ❤️', true],
    ['👩‍👩‍👧🏳️‍🌈1️⃣', true],
    ['👍👍👍👍', false],
    ['1', false],
    ['#', false],
    ['👍 ok', false],
    ['', false],
  ])('%s alone is large: %s', (text, large) => expect(isEmojiOnly(text)).toBe(large));
});

describe('what may still be written', () => {
  const limits = { chars: 100, bytes: 400 };
  const left = (text: string, more = {}) => roomLeft(text, { ...limits, ...more });
  it('is shown from four fifths of a limit on', () => {
    expect(left('a'.repeat(79))).toBeNull();
    expect(left('a'.repeat(80))).toEqual({ n: 20, unit: 'chars' });
    expect(left('a'.repeat(101))).toEqual({ n: -1, unit: 'chars' });
    expect(left('a'.repeat(1_000_000))).toEqual({ n: 100 - 1_000_000, unit: 'chars' });
  });
  it('is told in bytes where they are closer', () => {
    const family = '👩‍👩‍👧'; // One character, 18 bytes.
    expect(left(family.repeat(17))).toBeNull();
    expect(left(family.repeat(18))).toEqual({ n: 400 - 324, unit: 'bytes' });
    expect(left(family.repeat(23))).toEqual({ n: -14, unit: 'bytes' });
    expect(left(family.repeat(50_000))).toEqual({ n: 400 - 900_000, unit: 'bytes' });
    expect(left('a'.repeat(390), { chars: 0 })).toEqual({ n: 10, unit: 'bytes' });
    expect(left('a'.repeat(500), { chars: 0 })).toEqual({ n: -100, unit: 'bytes' });
  });
  it('is without bounds where there are none', () => {
    expect(left('ä'.repeat(10_000), { chars: 0, bytes: 0 })).toBeNull();
    expect(left('ä'.repeat(90), { bytes: 0 })).toEqual({ n: 10, unit: 'chars' });
  });
});

describe('plain text', () => {
  it('shows what turns the direction, and leaves the marks of those who write so', () => {
    expect(visible('a\u202eb\u2066c\u2069\u202ad\u202c')).toBe('a\ufffdb\ufffdc\ufffd\ufffdd\ufffd');
    expect(visible('\u200fא\u200e\u061c')).toBe('\u200fא\u200e\u061c');
  });
  it('shows what hides', () => expect(visible('a\u0000b\nc\td\u009f')).toBe('a\ufffdb\nc\td\ufffd'));
  it('counts as people do', () => {
    expect(graphemes('👩‍👩‍👧e\u0301x')).toBe(3);
    expect(graphemes('a\r\nb')).toBe(3);
    // Over the edges of the pieces in which long texts are counted.
    for (let n = 1; n < 600; n += 7) {
      expect(graphemes(`${'a'.repeat(n)}👩‍👩‍👧`)).toBe(n + 1);
      expect(graphemes('👩‍👩‍👧'.repeat(n))).toBe(n);
      expect(graphemes(`${'x'.repeat(n % 2)}${'🇩🇪'.repeat(n)}`)).toBe(n + (n % 2));
    }
  });
  it('counts bytes as UTF-8 has them', () => {
    for (const text of ['', 'abc', 'äöü', '日本', '👩‍👩‍👧', 'a\u0301é\u2028'])
      expect(bytes(text)).toBe(new TextEncoder().encode(text).length);
  });
  it('makes initials', () =>
    expect([initials('ada lovelace'), initials('Bob'), initials('👋')]).toEqual(['AL', 'B', '👋']));
  it('keeps a name’s hue', () => expect(hue('Ada')).toBe(hue('Ada')));
});
