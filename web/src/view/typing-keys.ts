// Which keys type characters. What a modifier does depends on the layout: Option types on a Mac, AltGr elsewhere, and
// Windows reports AltGr as Ctrl and Alt together.

/** An input method or a dead key is at work; what comes of the key is not decided yet. */
export const isComposing = (event: KeyboardEvent) =>
  event.isComposing || event.keyCode === 229 || event.key === 'Process' || event.key === 'Dead';

const APPLE = /mac|iphone|ipad|ipod/i.test(navigator.platform);

/** Keys that type nothing have names of ASCII letters and digits: Enter, F6. Some keys type several characters. */
const named = (key: string) => /^[A-Z][A-Za-z0-9]+$/.test(key);

/** What the key types without modifiers on a Latin layout: `5` for Digit5. */
const engraved = (code: string) => /^(?:Digit|Key)(.)$/.exec(code)?.[1] ?? null;

/** Whether the key types a character, or part of one, where a text is being written. */
export function typesCharacter(event: KeyboardEvent): boolean {
  if (isComposing(event)) return true;
  if (named(event.key)) return false;
  if (event.getModifierState('AltGraph') || (event.ctrlKey && event.altKey)) return true;
  if (event.ctrlKey || event.metaKey) return false;
  if (!event.altKey) return true;
  // Alt alone: only a Mac types with it. Another character than the key's own proves that it does.
  return APPLE || event.key.toUpperCase() !== engraved(event.code);
}
