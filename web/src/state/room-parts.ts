// What is needed once a room is entered. The first screen does without it, and fetches it while it is shown.

import { provideParts } from '../client/chat';
import { Outbox } from '../client/outbox';
import { Roster } from '../client/roster';
import * as timelines from '../log/timeline';
import { provideTimelines } from './room';

provideParts({ Outbox, Roster });
provideTimelines(timelines);
