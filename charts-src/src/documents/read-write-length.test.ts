import { expect, it } from 'vitest';
import { DocumentError } from '../errors.js';
import { exampleProject } from '../testing/arbitrary-documents.js';
import { readProject, writeDocument } from './read-write.js';
import { VARIABLE_VALUE_MAX_BYTES, VARIABLES_TOTAL_MAX_BYTES } from './variables.js';

const filledWith = (character: string) =>
  exampleProject({
    env: Array.from({ length: VARIABLES_TOTAL_MAX_BYTES / VARIABLE_VALUE_MAX_BYTES }, (_, index) => ({
      name: `V${index}`,
      value: character.repeat(VARIABLE_VALUE_MAX_BYTES),
    })),
  });

it('a document as long as its limits allow is written and read back', () => {
  const document = filledWith('x');
  expect(readProject(writeDocument(document))).toEqual(document);
});

it('one that could not be read back is not written', () => {
  expect(() => writeDocument(filledWith('\u0001'))).toThrow(DocumentError);
});
