// What every language says: all words, all forms of the plural, and sentences about comings, goings and renames.

import { cleanup, render } from '@testing-library/preact';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Chat } from '../../client/src/chat.js';
import { DEFAULTS } from '../../client/src/options.js';
import { FakeSocket } from '../../tests/fake-socket';
import { EMPTY, toNotice } from '../log/timeline';
import { Store } from '../state/store';
import { StoreContext } from '../view/context';
import { Notices } from '../view/Notices';
import ar from './ar';
import de from './de';
import { first } from './en-first';
import { room } from './en-room';
import es from './es';
import fr from './fr';
import { addEnglish, setLanguage } from './index';
import type { Key, Plural } from './words';

const DICTIONARIES = { en: { ...first, ...room }, de, es, fr, ar };
type Code = keyof typeof DICTIONARIES;
const codes = Object.keys(DICTIONARIES) as Code[];
const keys = Object.keys(DICTIONARIES.en) as Key[];
const isPlural = (entry: unknown): entry is Plural => typeof entry === 'object';
const forms = (entry: string | Plural): string[] =>
  isPlural(entry) ? Object.values(entry).filter((form) => form !== undefined) : [entry];
const places = (text: string) => new Set(text.match(/\{\w+\}/g));

describe.each(codes)('%s', (code) => {
  const dictionary: Record<Key, string | Plural> = DICTIONARIES[code];

  it('has every word, and fills in what English does', () => {
    expect(Object.keys(dictionary).sort()).toEqual([...keys].sort());
    for (const key of keys) {
      const wanted = places(forms(DICTIONARIES.en[key]).join(' '));
      for (const place of places(forms(dictionary[key]).join(' '))) expect(wanted, key).toContain(place);
    }
  });

  it('has a form for each number that differs', () => {
    const { pluralCategories } = new Intl.PluralRules(code).resolvedOptions();
    const used = new Set<string>();
    const rules = new Intl.PluralRules(code);
    for (let n = 0; n <= 200; n += 1) used.add(rules.select(n));
    for (const key of keys) {
      const entry = dictionary[key];
      if (!isPlural(entry)) continue;
      expect(Object.keys(entry), key).toContain('other');
      for (const form of Object.keys(entry)) expect(pluralCategories, key).toContain(form);
      // One form for all, or one for each.
      if (Object.keys(entry).length > 1) expect(new Set(Object.keys(entry)), key).toEqual(used);
    }
  });
});

describe('notices', () => {
  const store = new Store(new Chat(() => new FakeSocket(), DEFAULTS));
  beforeAll(() => addEnglish(room));
  afterEach(async () => {
    cleanup();
    await setLanguage('en');
  });

  let id = 0;
  const notice = (kind: 'joined' | 'left' | 'renamed', username: string, text = '') => {
    id += 1;
    return toNotice(EMPTY, {
      ...{ id, kind, username, text, user_id: username },
      timestamp: '2026-01-01T12:00:00.000Z',
    });
  };
  const said = (...entries: ReturnType<typeof notice>[]) => {
    const { container } = render(
      <StoreContext.Provider value={store}>
        <Notices entries={entries} />
      </StoreContext.Provider>,
    );
    container.querySelector('time')?.remove();
    const text = (container.querySelector('span')?.textContent ?? '').replace(/[\u2066-\u2069]/g, '');
    cleanup();
    return text.trim();
  };

  it.each([
    ['en', 'Ada joined', 'Ada and Bob left', 'Ada, Bob, and 1 other joined', 'Ada is now Countess'],
    [
      'de',
      'Ada ist beigetreten',
      'Ada und Bob sind gegangen',
      'Ada, Bob und 1 weitere Person sind beigetreten',
      'Ada heißt jetzt Countess',
    ],
    [
      'es',
      'Ada ha entrado',
      'Ada y Bob han salido',
      'Ada, Bob y 1 más han entrado',
      'Ada ahora se llama Countess',
    ],
    [
      'fr',
      'Ada a rejoint le salon',
      'Ada et Bob ont quitté le salon',
      'Ada, Bob et 1 autre ont rejoint le salon',
      'Ada s’appelle maintenant Countess',
    ],
    ['ar', 'انضم Ada', 'غادر Ada وBob', 'انضم Ada وBob و1 آخر', 'صار اسم Ada الآن Countess'],
  ] as const)('in %s agree with how many there are', async (code, one, two, three, renamed) => {
    await setLanguage(code);
    expect(said(notice('joined', 'Ada'))).toBe(one);
    expect(said(notice('left', 'Ada'), notice('left', 'Bob'))).toBe(two);
    expect(said(...['Ada', 'Bob', 'Cy'].map((name) => notice('joined', name))).replace('١', '1')).toBe(three);
    expect(said(notice('renamed', 'Countess', 'Ada is now known as Countess'))).toBe(renamed);
  });

  it('of a rename name both, whatever the names are', () => {
    const odd = 'x is now known as y';
    expect(said(notice('renamed', odd, `Ada is now known as ${odd}`))).toBe(`Ada is now ${odd}`);
  });
});
