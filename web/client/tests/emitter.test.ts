// @vitest-environment node

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Emitter } from '../src/emitter.js';

class Source extends Emitter<{ say: string }> {
  say(text: string): void {
    this.emit('say', text);
  }
}

let source: Source;
let heard: string[];
const listener = (text: string) => heard.push(text);

beforeEach(() => {
  source = new Source();
  heard = [];
});
afterEach(() => vi.unstubAllGlobals());

it('on calls a listener each time, until off or the returned function removes it', () => {
  const stop = source.on('say', listener);
  source.say('a');
  stop();
  source.say('b');
  source.on('say', listener);
  source.say('c');
  source.off('say', listener);
  source.say('d');
  expect(heard).toEqual(['a', 'c']);
});

it('once calls a listener once, and off removes it before that', () => {
  source.once('say', listener);
  source.say('a');
  source.say('b');
  source.once('say', listener);
  source.off('say', listener);
  source.say('c');
  expect(heard).toEqual(['a']);
});

it('once calls a listener once, even if it causes the same event', () => {
  source.once('say', (text) => {
    heard.push(text);
    source.say('again');
  });
  source.say('a');
  expect(heard).toEqual(['a']);
});

it.each(['on', 'once'] as const)('a listener that throws (%s) does not stop the others', (add) => {
  const report = vi.spyOn(console, 'error').mockImplementation(() => {});
  vi.stubGlobal('reportError', undefined);
  const error = new Error('broken listener');
  Reflect.deleteProperty(globalThis, 'reportError');
  source.on('say', (text) => heard.push(`before ${text}`));
  source[add]('say', () => {
    throw error;
  });
  source.on('say', (text) => heard.push(`after ${text}`));
  expect(() => source.say('a')).not.toThrow();
  source.say('b');
  expect(heard).toEqual(['before a', 'after a', 'before b', 'after b']);
  expect(report.mock.calls[0]).toEqual([error]);
  expect(report).toHaveBeenCalledTimes(add === 'on' ? 2 : 1);
});

it('in a browser, the error of a listener is reported as uncaught', () => {
  const report = vi.fn();
  vi.stubGlobal('reportError', report);
  const error = new Error('broken listener');
  source.on('say', () => {
    throw error;
  });
  source.say('a');
  expect(report).toHaveBeenCalledWith(error);
});

it('a listener that another one removes is not called any more, and one that is added waits for the next event', () => {
  source.on('say', () => {
    source.off('say', listener);
    source.once('say', (text) => heard.push(`added ${text}`));
  });
  source.on('say', listener);
  source.say('a');
  expect(heard).toEqual([]);
  source.say('b');
  expect(heard).toEqual(['added b']);
});
