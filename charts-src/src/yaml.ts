import { defineScalarTag, dump, DUMP_SCHEMA, load, NOT_RESOLVED, YAMLException } from 'js-yaml';
import { DocumentError } from './errors.js';

/** In UTF-16 units. A document of 512 KiB of variables and some structure is far below; more is not one of ours. */
export const MAX_TEXT = 1.5 * 1024 * 1024;

export const TOO_LONG = `The document has more than ${MAX_TEXT / 1024} KiB.`;

/**
 * Made of nothing but what numbers, times and markers of some YAML are made of (`1e3`, `2001-1-1`, `16.4.0`, `---`; some
 * take `e0` for a number that is none).
 * Readers differ in which of these they take for something else than text, so all of them are quoted.
 */
const AMBIGUOUS = /^(?:[-+.0-9_~=<][-+.0-9_~=<:,eExXoObBa-fA-FtTzZ ]*|[eE][-+]?[0-9_]+)$/;

/** Never selected for a value (`identify`): it is there so that the writer sees that such text means something else. */
const ambiguous = defineScalarTag<string>('tag:fullstackagent.dev,2026:ambiguous', {
  implicit: true,
  resolve: (source) => (AMBIGUOUS.test(source) ? source : NOT_RESOLVED),
  identify: () => false,
});

/** What YAML 1.1 (Kubernetes, Flux), YAML 1.2 and their dialects would not read as text. */
const SCHEMA = DUMP_SCHEMA.withTags(ambiguous);

/**
 * JSON data to YAML. One form for one value, whatever the machine: long lines are not folded, nothing is shared by
 * anchors, keys stay in their order, and what any reader would take for a number, a date or a truth value is quoted.
 */
export function toYaml(value: unknown): string {
  return dump(value, { lineWidth: -1, noRefs: true, schema: SCHEMA });
}

/**
 * YAML of one document to JSON data. Throws {@link DocumentError}. Aliases are refused: they are how a few bytes become
 * gigabytes, and no document needs them. Duplicate keys are refused by the parser. Dates and `<<` are text, as in
 * YAML 1.2.
 */
export function fromYaml(text: string): unknown {
  if (text.length > MAX_TEXT) throw unusable(TOO_LONG);
  try {
    return load(text, { maxAliases: 0 });
  } catch (error) {
    throw unusable(`This is not a YAML document: ${reasonOf(error)}.`, error);
  }
}

/** Without the snippet that the parser would show: what stands there may be a secret. */
function reasonOf(error: unknown): string {
  if (!(error instanceof YAMLException)) return 'it cannot be read';
  return error.mark === undefined ? error.reason : `${error.reason} (line ${error.mark.line + 1})`;
}

const unusable = (message: string, cause?: unknown): DocumentError =>
  new DocumentError([{ field: '', message }], { cause });
