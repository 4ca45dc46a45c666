// For how long and why a moderator mutes, removes or bans somebody.

import { useState } from 'preact/hooks';
import { t } from '../i18n';
import { about, dialog, useStore } from './context';
import { Dialog } from './Dialog';
import { flash } from './Flash';
import { type Sanctioned, titleOf } from './moderation';
import { duration, reason } from './refusals';

/** Seconds that are offered; 0 = without an end. */
const TIMES = [300, 3600, 86_400, 604_800, 0];
const REASON_MAX = 200;

export function Sanction() {
  const store = useStore();
  const whom = about.value as Sanctioned | null;
  const [time, setTime] = useState(TIMES[1] ?? 0);
  const [why, setWhy] = useState('');
  const [address, setAddress] = useState(false);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const close = () => {
    dialog.value = null;
  };
  if (!whom) return null;
  const { kind, userId } = whom;
  const timed = kind === 'mute' || kind === 'ban';
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    const refused = await store.changes.moderate({
      action: kind,
      user_id: userId,
      ...(timed && time > 0 ? { for_s: time } : {}),
      ...(why.trim() && kind !== 'clear' ? { reason: why.trim() } : {}),
      ...(kind === 'ban' && address ? { address } : {}),
    });
    setBusy(false);
    if (refused) {
      setProblem(t('notDone', { reason: reason(refused.code, refused.until) }));
      return;
    }
    close();
    flash(t('done'));
  };
  return (
    <Dialog title={titleOf(whom)} onClose={close}>
      <form class="sanction" onSubmit={submit}>
        <p class="quiet">{t(`${kind}Text`)}</p>
        {timed && (
          <label class="field">
            <span>{t('howLong')}</span>
            <select value={time} onChange={(event) => setTime(Number(event.currentTarget.value))}>
              {TIMES.map((seconds) => (
                <option key={seconds} value={seconds}>
                  {seconds > 0 ? duration(seconds * 1000) : t('forGood')}
                </option>
              ))}
            </select>
          </label>
        )}
        {kind !== 'clear' && (
          <label class="field">
            <span>{t('why')}</span>
            <input
              value={why}
              maxLength={REASON_MAX}
              dir="auto"
              onInput={(event) => setWhy(event.currentTarget.value)}
            />
          </label>
        )}
        {kind === 'ban' && (
          <label class="switch">
            <span>{t('withAddress')}</span>
            <input
              type="checkbox"
              checked={address}
              onChange={(event) => setAddress(event.currentTarget.checked)}
            />
          </label>
        )}
        <p class="error" role="alert">
          {problem}
        </p>
        <footer>
          <button type="button" onClick={close}>
            {t('cancel')}
          </button>
          <button type="submit" class="danger" aria-disabled={busy}>
            {titleOf(whom)}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
