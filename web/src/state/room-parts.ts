// What is needed once a room is entered. The first screen does without it, and fetches it while it is shown.

import { Membership } from '../../client/src/membership.js';
import { Parking } from '../../client/src/parking.js';
import { provideParts } from '../../client/src/parts.js';
import { ChangesStore } from './changes';
import { ComposerStore } from './composer';
import { RoomStore } from './room';
import { provideInside } from './store';

provideParts({ Membership, Parking });
provideInside((chat, store) => {
  const room = new RoomStore(chat, store);
  return {
    room,
    composer: new ComposerStore(chat, store, room),
    changes: new ChangesStore(chat, store, room),
  };
});
