// Which names look alike.

import { describe, expect, it } from 'vitest';
import { lookAlike } from './skeleton';

describe('names that a reader could confuse', () => {
  it.each([
    ['Alice', 'ALICE', 'case'],
    ['Alice', 'Аlice', 'a Cyrillic capital'],
    ['Alice', 'Alіce', 'a Cyrillic letter'],
    ['Alice', 'Αlice', 'a Greek capital'],
    ['Nick', 'Νick', 'a Greek capital whose small letter looks otherwise'],
    ['Sam', 'Ѕаm', 'several letters'],
    ['Bob', 'вoв', 'small capitals of another script'],
    ['admin', 'ᴀᴅᴍɪɴ', 'small capitals'],
    ['Alice', 'AIice', 'a capital I'],
    ['Alice', 'A1ice', 'a digit'],
    ['Al', 'A|', 'a bar'],
    ['Bob', 'B0b', 'a zero'],
    ['Emma', 'Emrna', 'two letters for one'],
    ['William', 'VVilliam', 'two capitals for one'],
    ['Alice', 'Ａｌｉｃｅ', 'wide letters'],
    ['Alice', '𝐀𝑙𝒊𝓬𝕖', 'mathematical letters'],
    ['Alice', 'Ⓐⓛⓘⓒⓔ', 'circled letters'],
    ['Alice', 'Al\u200bi\u2060ce', 'invisible characters'],
    ['Alice', 'Alice\u3164', 'a filler'],
    ['Alice', 'A lice', 'a space'],
    ['Alice', 'Alice ✔', 'a mark behind'],
    ['Alice', '[Alice]', 'brackets'],
    ['Alice', 'Alice🛡️', 'an emoji'],
    ['Alice', 'Àlicé', 'accents'],
    ['Alice', 'A\u0338lice', 'a stroke over a letter'],
    ['Łukasz', 'Lukasz', 'a letter with a stroke'],
    ['scope', 'ѕсоре', 'a whole word of Cyrillic letters'],
    ['Ιωάννης', 'ΙΩΑΝΝΗΣ', 'case in Greek'],
    ['👋', '👋', 'the same emoji'],
  ])('%s and %s: %s', (one, other) => expect(lookAlike(one, other)).toBe(true));
});

describe('names that nobody confuses', () => {
  it.each([
    ['Alice', 'Alicia'],
    ['Alice', 'Alice2'],
    ['Bob', 'Rob'],
    ['Алиса', 'Alice'],
    ['爱丽丝', '爱丽'],
    ['نور', 'نورا'],
    ['👋', '👍'],
    ['Ada', 'Adam'],
  ])('%s and %s', (one, other) => expect(lookAlike(one, other)).toBe(false));
});
