// The link into the room as a QR code, for a phone beside the screen.

import { useMemo } from 'preact/hooks';
import { encode } from 'uqr';
import { t } from '../i18n';
import { dialog, useStore } from './context';
import { Dialog } from './Dialog';
import { canShare, copyLink, linkTo, share } from './invite';

/** Cells that stay white around a code, so that it is found. */
const BORDER = 4;

function Code({ text }: { text: string }) {
  const { size, path } = useMemo(() => {
    const { data, size } = encode(text, { border: BORDER });
    const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : [])));
    return { size, path: dark.join('') };
  }, [text]);
  return (
    <svg class="qr" role="img" aria-label={t('qrOf', { link: text })} viewBox={`0 0 ${size} ${size}`}>
      <path d={path} />
    </svg>
  );
}

export function Invite() {
  const store = useStore();
  const link = linkTo(store);
  return (
    <Dialog
      title={t('inviteTo', { room: `#${store.room.name.value}` })}
      onClose={() => {
        dialog.value = null;
      }}
    >
      <Code text={link} />
      <p class="address" dir="ltr">
        {link}
      </p>
      <footer>
        <button type="button" onClick={() => copyLink(link)}>
          {t('copyLink')}
        </button>
        {canShare() && (
          <button type="button" onClick={() => share(store, link)}>
            {t('share')}
          </button>
        )}
      </footer>
    </Dialog>
  );
}
