// Which screen is shown, and over it which dialog.

import { Banner } from './Banner';
import { dialog, useStore } from './context';
import { Logo } from './Logo';
import { part } from './parts';
import { SignIn } from './SignIn';

/** In place of a room that is still being loaded. */
function Loading() {
  return (
    <main class="sign-in">
      <div class="panel loading">
        <Logo />
        <Banner />
      </div>
    </main>
  );
}

export function App() {
  const store = useStore();
  const name = dialog.value;
  const room = store.signIn.room.value;
  const Part = room === null ? null : part('room');
  // What the room is kept with comes with it.
  const Room = Part && store.equip() ? Part : null;
  const Opened = name === null || name === 'rooms' || name === 'people' ? null : part(name);
  const { phase } = store.connection.state.value;
  const Blocked = phase === 'refused' || phase === 'ended' ? part('blocked') : null;
  const signingIn = room === null || store.signIn.pending.value;
  return (
    <>
      {signingIn ? <SignIn /> : Room ? <Room /> : <Loading />}
      {Opened && <Opened />}
      {Blocked && <Blocked />}
    </>
  );
}
