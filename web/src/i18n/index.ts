// The words and formats of the reader's language. English is in the bundle; the others are loaded when chosen.

import { computed, signal } from '@preact/signals';
import { first } from './en-first';
import type { Dictionary, Key } from './words';

export type { Key } from './words';

export const LANGUAGES = { en: 'English', de: 'Deutsch', es: 'Español', fr: 'Français', ar: 'العربية' };
export type Language = keyof typeof LANGUAGES;

const loaders: Record<Exclude<Language, 'en'>, () => Promise<{ default: Dictionary }>> = {
  de: () => import('./de'),
  es: () => import('./es'),
  fr: () => import('./fr'),
  ar: () => import('./ar'),
};

interface Words {
  language: Language;
  /** The language with the reader's region, for dates and numbers. */
  locale: string;
  dictionary: Partial<Dictionary>;
}

/** English as far as it is loaded: also what stands in for a word that a language should lack. */
const english: Partial<Dictionary> = { ...first };

const words = signal<Words>({ language: 'en', locale: 'en', dictionary: english });

/** The room brings its words along. */
export function addEnglish(more: Partial<Dictionary>): void {
  Object.assign(english, more);
}

export const language = computed(() => words.value.language);
/** The language with the reader's region. */
export const locale = computed(() => words.value.locale);

/** The best of our languages for a reader who wants `wanted`, most wanted first. */
export function choose(wanted: readonly string[]): { language: Language; locale: string } {
  for (const locale of wanted) {
    const base = locale.split('-')[0] ?? '';
    if (base in LANGUAGES) return { language: base as Language, locale };
  }
  return { language: 'en', locale: 'en' };
}

/** Switches to `chosen`, or to the browser's language for null. Stays as it is where the words cannot be loaded. */
export async function setLanguage(chosen: Language | null): Promise<void> {
  const wanted = [...(chosen ? [chosen] : []), ...navigator.languages];
  // The region is the browser's where it speaks the chosen language.
  const regional = wanted.find((locale) => chosen && locale.startsWith(`${chosen}-`));
  const { language, locale } = choose(regional ? [regional] : wanted);
  const dictionary =
    language === 'en'
      ? english
      : await loaders[language]().then(
          (module) => module.default,
          () => null,
        );
  if (!dictionary) return;
  words.value = { language, locale, dictionary };
  const root = document.documentElement;
  root.lang = language;
  root.dir = language === 'ar' ? 'rtl' : 'ltr';
}

const formats = computed(() => {
  const { locale, language } = words.value;
  return {
    plural: new Intl.PluralRules(language),
    number: new Intl.NumberFormat(locale),
    list: new Intl.ListFormat(locale, { type: 'conjunction' }),
    time: new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' }),
    day: new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' }),
    full: new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'medium' }),
    collator: new Intl.Collator(locale, { sensitivity: 'base', numeric: true }),
  };
});

export type Params = Record<string, string | number>;

/** The words for `key`, filled in; `n` chooses the plural and is written as the locale does. */
export function t(key: Key, params: Params = {}): string {
  const entry = words.value.dictionary[key] ?? english[key] ?? key;
  const n = typeof params.n === 'number' ? params.n : 0;
  const text = typeof entry === 'string' ? entry : (entry[formats.value.plural.select(n)] ?? entry.other);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    return typeof value === 'number' ? number(value) : (value ?? whole);
  });
}

export const number = (value: number) => formats.value.number.format(value);
export const list = (items: readonly string[]) => formats.value.list.format(items);
export const time = (at: number) => formats.value.time.format(at);
export const fullTime = (at: number) => formats.value.full.format(at);
export const compare = (a: string, b: string) => formats.value.collator.compare(a, b);

export const dayOf = (at: number) => new Date(at).setHours(0, 0, 0, 0);

/** "Today", "Yesterday" or the date. */
export function day(at: number, now = Date.now()): string {
  const midnight = dayOf(at);
  if (midnight === dayOf(now)) return t('today');
  // Noon of the day before, whatever the clocks did in between.
  if (midnight === dayOf(dayOf(now) - 43_200_000)) return t('yesterday');
  return formats.value.day.format(at);
}
