import { diskUse, homeFindings } from './home.mjs';
import { machineFindings } from './machine.mjs';
import { installCommand, packageManager } from './packages.mjs';
import { programFindings } from './programs.mjs';

/**
 * @typedef {'start' | 'sandboxes' | 'tools' | 'tests'} Group
 * @typedef {{
 *   group: Group,
 *   name: string,
 *   state: 'ok' | 'missing' | 'wrong',
 *   says: string,
 *   packages?: readonly string[],
 *   remedy?: string,
 * }} Finding `packages`: names in `packages.mjs` that add it. `remedy`: the command, where no package does.
 */

const GROUPS = [
  ['start', 'Needed by npm start'],
  ['sandboxes', 'Keeps sandboxes apart'],
  ['tools', 'Useful'],
  ['tests', 'For npm test'],
];

const SIGNS = { ok: 'ok     ', missing: 'missing', wrong: 'WRONG  ' };

/** Prints what it finds. @returns {Promise<number>} the exit code */
export async function doctor() {
  const findings = [...(await machineFindings()), ...(await homeFindings()), ...(await programFindings())];
  for (const [group, title] of GROUPS) {
    console.log(`${title}:`);
    for (const finding of findings.filter((one) => one.group === group)) console.log(lineOf(finding));
    console.log('');
  }
  for (const line of await diskUse()) console.log(line);
  for (const line of remedies(findings)) console.log(line);
  const wrong = findings.filter(({ group, state }) => group === 'start' && state !== 'ok');
  console.log(
    wrong.length === 0
      ? 'npm start can run here.'
      : `npm start cannot run here yet: ${wrong.map(({ name }) => name).join(', ')}.`,
  );
  return wrong.length === 0 ? 0 : 1;
}

const lineOf = ({ name, state, says }) => `  ${SIGNS[state]}  ${name}: ${says}`;

/** One command for all that packages can add, then what no package can. */
function remedies(findings) {
  const lacking = findings.filter(({ state }) => state !== 'ok');
  const packages = lacking.flatMap((finding) => finding.packages ?? []);
  const command = packages.length === 0 ? undefined : installCommand(packageManager(), packages);
  const others = lacking.flatMap((finding) => finding.remedy ?? []);
  const commands = [...(command === undefined ? [] : [command]), ...new Set(others)];
  if (commands.length === 0) return [];
  return ['To add what is missing:', ...commands.map((line) => `  ${line}`), ''];
}
