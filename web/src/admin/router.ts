// The part of the page that the address names, behind its #: `#rooms`, or `#rooms/general` for one of them.

import { signal } from '@preact/signals';

export const SECTIONS = {
  overview: 'Overview',
  rooms: 'Rooms',
  people: 'People',
  bans: 'Bans and mutes',
  held: 'Held for review',
  audit: 'Audit log',
  refusals: 'Refusals',
  webhooks: 'Webhooks',
  tokens: 'Tokens',
  settings: 'Settings',
} as const;

export type Section = keyof typeof SECTIONS;

export interface Route {
  section: Section;
  /** What is named within the section: a room. */
  item: string;
}

export function parse(hash: string): Route {
  const [name = '', ...rest] = hash.replace(/^#/, '').split('/');
  const section = Object.hasOwn(SECTIONS, name) ? (name as Section) : 'overview';
  let item = rest.join('/');
  try {
    item = decodeURIComponent(item);
  } catch {
    // No encoding of anything: then it is what it says.
  }
  return { section, item };
}

export const hrefOf = (section: Section, item = '') =>
  `#${section}${item === '' ? '' : `/${encodeURIComponent(item)}`}`;

export const route = signal<Route>(parse(location.hash));

addEventListener('hashchange', () => {
  // A token in the address is taken by session.ts, and is no part of the page.
  if (!location.hash.startsWith('#token=')) route.value = parse(location.hash);
});
