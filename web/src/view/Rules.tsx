// What holds for writing in the room, beside where it is written: locked, slow mode, muted.

import { t } from '../i18n';
import { seconds, useStore } from './context';
import { Icon, type IconName } from './icons';
import { duration } from './refusals';

/** Longer pauses are not counted down second by second. */
const COUNTED_S = 99;

export function Countdown({ until, now }: { until: number; now: number }) {
  const left = seconds(until, now);
  return <>{left <= COUNTED_S ? left : <Icon name="slow" />}</>;
}

function Rule({ icon, words }: { icon: IconName; words: string }) {
  return (
    <p>
      <Icon name={icon} />
      {words}
    </p>
  );
}

export function Rules({ now }: { now: number }) {
  const store = useStore();
  const run = store.room.run.value;
  const muted = store.composer.mutedUntil.value;
  const pause = run?.slow_mode_s ?? 0;
  const time = duration(muted - now);
  const locked = run?.locked && !store.changes.moderates;
  const lock = t(store.changes.moderates ? 'lockedForOthers' : 'lockedHere');
  return (
    <div class="rules">
      <div role="status">
        {run?.locked && <Rule icon="lock" words={lock} />}
        {pause > 0 && !locked && <Rule icon="slow" words={t('slowEach', { time: duration(pause * 1000) })} />}
      </div>
      {/* The refusal itself is said; the time that passes is not. */}
      {muted > now && (
        <Rule
          icon="lock"
          words={muted === Number.POSITIVE_INFINITY ? t('mutedHere') : t('mutedFor', { time })}
        />
      )}
    </div>
  );
}
