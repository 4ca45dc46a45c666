// Links, marks and counting.

import { describe, expect, it } from 'vitest';
import { links, shortened } from './links';
import { parse } from './marks';
import { mentions } from './mentions';
import { bytes, graphemes, hue, initials, visible } from './plain';
import { roomLeft } from './room-left';

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
