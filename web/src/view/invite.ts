// A link that leads others into the room.

import { t } from '../i18n';
import { addressOf } from '../state/address';
import { base } from '../state/base';
import type { Store } from '../state/store';
import { copyText } from './copy';
import { flash } from './Flash';

export const linkTo = (store: Store) => new URL(addressOf(store.room.name.value, base), location.href).href;

export async function copyLink(link: string): Promise<void> {
  flash(t((await copyText(link)) ? 'copied' : 'copyFailed'));
}

/** Whether the device has a sheet for sharing. */
export const canShare = () => 'share' in navigator;

/** Opens the sheet of the device; whoever closes it again has changed their mind. */
export async function share(store: Store, url: string): Promise<void> {
  try {
    await navigator.share({ title: `#${store.room.name.value}`, url });
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) await copyLink(url);
  }
}
