// What a dictionary is: every language has the words of English, and its own forms of the plural.

import type { first } from './en-first';
import type { room } from './en-room';

export interface Plural {
  zero?: string;
  one?: string;
  two?: string;
  few?: string;
  many?: string;
  other: string;
}

type English = typeof first & typeof room;

export type Key = keyof English;
export type Dictionary = { [K in Key]: English[K] extends string ? string : Plural };
