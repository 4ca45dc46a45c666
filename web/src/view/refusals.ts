// What the server refuses, in words.

import { type Key, locale, t } from '../i18n';

const REASONS: Record<string, Key> = {
  timeout: 'failTimeout',
  unconfirmed: 'failUnconfirmed',
  text_too_long: 'failLong',
  invalid_text: 'failInvalid',
  muted: 'failMuted',
  slow_mode: 'failSlow',
  locked: 'failLocked',
  forbidden: 'failForbidden',
  not_found: 'failGone',
  too_late: 'failLate',
  rate_limited: 'failBusy',
  busy: 'failBusy',
  unavailable: 'failBusy',
  conflict: 'failConflict',
};

const UNITS = [
  ['second', 1_000, 90],
  ['minute', 60_000, 90],
  ['hour', 3_600_000, 36],
  ['day', 86_400_000, Number.POSITIVE_INFINITY],
] as const;

/** A time from now in the largest unit that says enough: "40 seconds", "5 minutes". */
export function duration(ms: number): string {
  const [unit, length] = UNITS.find(([, each, most]) => ms <= each * most) ?? UNITS[3];
  const format = new Intl.NumberFormat(locale.value, { style: 'unit', unit, unitDisplay: 'long' });
  return format.format(Math.max(1, Math.ceil(ms / length)));
}

/** Why something was refused, with the time that is left if it may be done later. */
export function reason(code: string | undefined, until: number | null | undefined, now = Date.now()): string {
  const words = t(REASONS[code ?? ''] ?? 'failOther');
  return until && until > now ? t('failUntil', { reason: words, time: duration(until - now) }) : words;
}
