// Numbers, sizes and times for people, in the format of their browser.

const locale = navigator.language;
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });
const timeOnly = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
const minute = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });

/** Without fractions from ten on. */
export const number = (value: number) => (Math.abs(value) < 10 ? fine : whole).format(value);

export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let rest = value;
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${number(rest)} ${units[unit]}`;
}

const STEPS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** The largest units: "2 days 3 hours". */
export function duration(seconds: number, units = 2): string {
  let rest = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [unit, length] of STEPS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
    else if (parts.length > 0) break;
    if (parts.length === units) break;
  }
  return parts.join(' ') || '0 seconds';
}

/** Today only the time, else the date too. */
export function when(iso: string, now = Date.now()): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const isToday = date.toDateString() === new Date(now).toDateString();
  return (isToday ? timeOnly : dateTime).format(date);
}

export const fullTime = (iso: string) => {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : dateTime.format(date);
};

export const clock = (at: number) => minute.format(at);

/** How long until then; empty if it is over. */
export function left(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  return seconds > 0 ? `${duration(seconds, 1)} left` : '';
}

/** `slow_mode` as people say it. */
export const words = (code: string) => code.replaceAll('_', ' ');
