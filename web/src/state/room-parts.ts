// What is needed once a room is entered. The first screen does without it, and fetches it while it is shown.

import { Outbox } from '../../client/src/outbox.js';
import { Parking } from '../../client/src/parking.js';
import { provideParts } from '../../client/src/parts.js';
import { Roster } from '../../client/src/roster.js';
import * as timelines from '../log/timeline';
import { provideTimelines } from './room';

provideParts({ Outbox, Parking, Roster });
provideTimelines(timelines);
