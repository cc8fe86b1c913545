import type { FileKind } from '../../core/file-source.ts';
import type { Place } from './wiring.ts';

/** What a found parameter takes. Limits are what is usual; what the graph and the server have comes on top. */
export type Takes =
  | { type: 'string'; required?: true; maxLength?: number }
  | { type: 'int' | 'float'; minimum?: number; maximum?: number; multipleOf?: number }
  | { type: 'boolean' }
  | { type: 'seed' }
  /** `shared`: the enum type that workflows share where their choices are equal. */
  | { type: 'enum'; shared?: 'Sampler' | 'Scheduler' }
  | { type: 'model' }
  | { type: 'file'; file: FileKind };

/** Something that a caller would want to set. */
export interface Finding {
  /** The name it gets where no other has it. */
  name: string;
  takes: Takes;
  description: string;
  value: string | number | boolean;
  /** Where it was found: what its class says of that input holds for the parameter. */
  at: Place;
  places: Place[];
  /** Findings of one name with the same key are one parameter; null: it stands alone. */
  sameAs: string | null;
  /** Its place among the parameters, and whether a title marked it. */
  rank: number;
  marked?: true;
}
