// A long press with a finger, as phones have it for what a mouse shows when it is over something.

const PRESS_MS = 450;
/** A finger that moves further than this scrolls. */
const MOVED_PX = 10;

/** The finger's lifting is no click on what has come under it. */
function swallowClick(): void {
  const ends = new AbortController();
  const options = { capture: true, signal: ends.signal };
  const swallow = (event: Event) => {
    event.preventDefault();
    event.stopPropagation();
    ends.abort();
  };
  addEventListener('click', swallow, options);
  addEventListener('pointerdown', () => ends.abort(), options);
}

/** Handlers for an element whose rows can be pressed; `pressed` is called with what was under the finger. */
export function longPress(pressed: (target: Element) => void) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let start = { x: 0, y: 0 };
  const cancel = () => clearTimeout(timer);
  return {
    onPointerDown: (event: PointerEvent) => {
      cancel();
      const { target, pointerType, clientX, clientY, isPrimary } = event;
      if (pointerType !== 'touch' || !isPrimary || !(target instanceof Element)) return;
      // What has a meaning of its own keeps it.
      if (target.closest('a, button, textarea')) return;
      start = { x: clientX, y: clientY };
      timer = setTimeout(() => {
        swallowClick();
        pressed(target);
      }, PRESS_MS);
    },
    onPointerMove: ({ clientX, clientY }: PointerEvent) => {
      if (Math.hypot(clientX - start.x, clientY - start.y) > MOVED_PX) cancel();
    },
    onPointerUp: cancel,
    onPointerCancel: cancel,
    onContextMenu: (event: MouseEvent) => {
      // The browser's own menu would come over the sheet.
      const touched = (event as PointerEvent).pointerType === 'touch';
      if (touched && event.target instanceof Element && !event.target.closest('a, textarea'))
        event.preventDefault();
    },
  };
}
