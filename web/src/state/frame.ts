/** Runs `work` with the next frame; hidden pages have none, and get a timer. */
export function nextFrame(work: () => void): void {
  if (document.hidden) setTimeout(work, 50);
  else requestAnimationFrame(work);
}
