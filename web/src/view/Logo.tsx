// Two speech bubbles: the mark of the house.

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 48 48" aria-hidden="true">
      <path
        class="back"
        d="M20 6h16a8 8 0 0 1 8 8v9a8 8 0 0 1-6 7.7V37l-7-6H20a8 8 0 0 1-8-8v-9a8 8 0 0 1 8-8Z"
      />
      <path
        class="front"
        d="M12 16h15a8 8 0 0 1 8 8v5a8 8 0 0 1-8 8H17l-8 6v-6.7A8 8 0 0 1 4 29v-5a8 8 0 0 1 8-8Z"
      />
      <path class="dots" d="M13 26.5h.01M19.5 26.5h.01M26 26.5h.01" />
    </svg>
  );
}
