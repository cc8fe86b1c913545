import type { FileKind } from '../../core/file-source.ts';
import type { Place } from './wiring.ts';

/** The type of a found parameter. Its limits are the usual ones; `declareParameter` adapts them to graph and server. */
export type Takes =
  | { type: 'string'; required?: true; maxLength?: number }
  | { type: 'int' | 'float'; minimum?: number; maximum?: number; multipleOf?: number }
  | { type: 'boolean' }
  | { type: 'seed' }
  /** `shared`: the name of the enum type that all workflows with equal choices share. */
  | { type: 'enum'; shared?: 'Sampler' | 'Scheduler' }
  /** `of`: the `Class.input` whose list it is from, where that is not the input that it goes to. */
  | { type: 'model'; of?: string }
  | { type: 'file'; file: FileKind };

/** An input of the graph that callers would want to set. */
export interface Finding {
  /** The preferred name. `nameParameters` makes it unique. */
  name: string;
  takes: Takes;
  description: string;
  value: string | number | boolean;
  /** The input whose declaration by its class gives the parameter its type and limits. */
  at: Place;
  places: Place[];
  /** Findings with the same name and the same key are merged. Null: the finding is never merged. */
  sameAs: string | null;
  /** The sort key among the parameters. */
  rank: number;
  /** Whether a title marks it. */
  marked?: true;
  /** What nothing says for sure, since the class is not known: told of the parameter that it becomes. */
  guess?: 'file' | 'number';
  /** Whether the file has a placeholder and no value: then every caller has to give one. */
  open?: true;
  /** For forms, where the author has named it. */
  title?: string;
  /** Whether the author has chosen it in App mode. */
  chosen?: true;
}
