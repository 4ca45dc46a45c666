// Tests of the page have what a room needs from the start.

export {};

if ('document' in globalThis) await import('../src/state/room-parts');
