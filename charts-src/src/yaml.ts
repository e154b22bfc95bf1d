import { dump, load, YAMLException } from 'js-yaml';
import { DocumentError } from './errors.js';

/** A document of 1 MiB of variables and some structure; more is not one of ours. */
const MAX_TEXT = 1.5 * 1024 * 1024;

/**
 * JSON data to YAML. One form for one value, whatever the machine: long lines are not folded, nothing is shared by
 * anchors, and what YAML 1.1 readers (Kubernetes, Flux) would take for a number, a date or a truth value is quoted.
 */
export function toYaml(value: unknown): string {
  return dump(value, { lineWidth: -1, noRefs: true });
}

/**
 * YAML of one document to JSON data. Aliases are refused: they are how a few bytes become gigabytes, and
 * no document needs them. Duplicate keys are refused by the parser.
 */
export function fromYaml(text: string): unknown {
  if (text.length > MAX_TEXT) throw whole(`The document has more than ${MAX_TEXT / 1024} KiB.`);
  try {
    return load(text, { maxAliases: 0 });
  } catch (error) {
    const reason = error instanceof YAMLException ? error.reason : 'it cannot be read';
    throw new DocumentError([{ field: '', message: `This is not a YAML document: ${reason}.` }], {
      cause: error,
    });
  }
}

const whole = (message: string): DocumentError => new DocumentError([{ field: '', message }]);
