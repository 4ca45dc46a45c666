// What is done to a person: mute, kick, ban. One dialog that asks how long and why.

import { useState } from 'preact/hooks';
import { Confirm } from './Dialog';
import { attempt } from './flash';
import { Field } from './parts';
import { api } from './session';

export type ActionName = 'mute' | 'kick' | 'ban';

export interface Target {
  action: ActionName;
  user_id: string;
  username?: string;
  room?: string;
}

const TIMES: [string, number][] = [
  ['10 minutes', 600],
  ['1 hour', 3600],
  ['1 day', 86_400],
  ['1 week', 604_800],
  ['30 days', 2_592_000],
  ['Until it is lifted', 0],
];
const REASON_MAX = 300;

export const VERBS: Record<ActionName, { title: string; done: string; what: string }> = {
  mute: { title: 'Mute', done: 'is muted.', what: 'They can read, but write in no room.' },
  kick: { title: 'Kick', done: 'was sent out of the room.', what: 'They leave the room, and may come back.' },
  ban: { title: 'Ban', done: 'is banned.', what: 'Their connections end, and they cannot connect again.' },
};

interface ActProps {
  target: Target;
  onClose: () => void;
  onDone: () => void;
}

export function Act({ target, onClose, onDone }: ActProps) {
  const { action, user_id, username, room } = target;
  const [forSeconds, setForSeconds] = useState(3600);
  const [reason, setReason] = useState('');
  const [address, setAddress] = useState(false);
  const [busy, setBusy] = useState(false);
  const { title, done, what } = VERBS[action];
  const name = username ?? user_id;
  const confirm = async () => {
    setBusy(true);
    const body = {
      action,
      user_id,
      ...(reason.trim() && { reason: reason.trim() }),
      ...(action === 'kick' ? { room } : forSeconds > 0 && { for_s: forSeconds }),
      ...(action === 'ban' && address && { address }),
    };
    const well = await attempt(() => api().post('moderation', body), `${name} ${done}`);
    setBusy(false);
    if (well) onDone();
  };
  return (
    <Confirm title={`${title} ${name}?`} action={title} busy={busy} onConfirm={confirm} onClose={onClose}>
      <p>{what}</p>
      {action !== 'kick' && (
        <Field label="For how long">
          {(ids) => (
            <select
              {...ids}
              value={forSeconds}
              onChange={(event) => setForSeconds(Number(event.currentTarget.value))}
            >
              {TIMES.map(([label, seconds]) => (
                <option key={seconds} value={seconds}>
                  {label}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      <Field label="Reason" hint="Optional. It is in the audit log.">
        {(ids) => (
          <input
            {...ids}
            value={reason}
            maxLength={REASON_MAX}
            dir="auto"
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        )}
      </Field>
      {action === 'ban' && (
        <label class="check">
          <input
            type="checkbox"
            checked={address}
            onChange={(event) => setAddress(event.currentTarget.checked)}
          />
          <span>Ban the networks that they connect from, too. This may hit others who share them.</span>
        </label>
      )}
    </Confirm>
  );
}
