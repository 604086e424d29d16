/**
 * What the configuration knows of a part of the tracker: a name and a schema. The tables of frontends,
 * stores and hooks are handed in, so that nothing here depends on any of them.
 */

import type { z } from 'zod';
import { type OptionInfo, optionInfo } from '../pkg/options.ts';

export interface Component {
  readonly name: string;
  readonly summary: string;
  /** A strict object, possibly refined or transformed. */
  readonly options: z.ZodType;
}

/** What components of each kind are. */
export interface Kinds {
  readonly frontend: Component;
  readonly store: Component;
  readonly hook: Component;
}

/** Everything that a configuration can name. */
export interface Components<K extends Kinds = Kinds> {
  /** Each has a block of its own, under its name. */
  readonly frontends: readonly K['frontend'][];
  /** The first is the default. */
  readonly stores: readonly K['store'][];
  readonly hooks: readonly K['hook'][];
  /** Hooks that a configuration names by the path or the package of their module; a text is what is wrong with one. */
  readonly modules?: ReadonlyMap<string, K['hook'] | string>;
}

/** A component that the configuration asks for, and its options as the schema made them. */
export interface Chosen<C extends Component> {
  readonly component: C;
  readonly options: unknown;
  /** The options in force as the file writes them, secrets hidden: for the log. */
  readonly shown: Readonly<Record<string, unknown>>;
}

/** One option of a schema. */
export interface Option {
  readonly name: string;
  readonly schema: z.ZodType;
  readonly info: OptionInfo | undefined;
}

interface Definition {
  readonly type: string;
  readonly in?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
}

/** The options of a component's schema in the order they are written in; none if it is no object. */
export function optionsOf(schema: z.ZodType): Option[] {
  for (let at: z.ZodType | undefined = schema; at; at = inner(at)) {
    const { shape } = at.def as Definition;
    if (shape) return Object.entries(shape).map(([name, of]) => ({ name, schema: of, info: infoOf(of) }));
  }
  return [];
}

/** What is known of the entries of a list or a mapping; the schema itself if it is neither. */
export function elementOf(schema: z.ZodType): Pick<Option, 'schema' | 'info'> {
  for (let at: z.ZodType | undefined = schema; at; at = inner(at)) {
    const { element, valueType } = at.def as Definition;
    const of = element ?? valueType;
    if (of) return { schema: of, info: infoOf(of) };
  }
  return { schema, info: undefined };
}

/** What is known of an option, also where its schema was refined or made optional afterwards. */
function infoOf(schema: z.ZodType): OptionInfo | undefined {
  for (let at: z.ZodType | undefined = schema; at; at = inner(at)) {
    const info = optionInfo.get(at);
    if (info) return info;
  }
  return undefined;
}

/** The schema that a transform, a default or the like was put around. */
function inner(schema: z.ZodType): z.ZodType | undefined {
  const definition = schema.def as unknown as Definition;
  return definition.in ?? definition.innerType;
}
