import {
  projectPath,
  readProject,
  tenantPath,
  writeDocument,
  type ProjectDocument,
} from '@fullstackagent/charts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NAMESPACE, OWNER, project, SEALED_TEXT, tenant } from '../../shared/documents-for-tests.js';
import { mergeFile } from './merge-file.js';

type Spec = ProjectDocument['spec'];

const path = projectPath(NAMESPACE, 'blog');
const text = (spec: Partial<Spec> = {}): string => writeDocument(project('blog', spec));
const merge = (
  base: string | null,
  ours: string | null,
  theirs: string | null,
): ReturnType<typeof mergeFile> => mergeFile({ path, base, ours, theirs });
const specOf = (content: string | null): Spec => readProject(content ?? '').spec;

const plain = (name: string, value: string): Spec['env'][number] => ({ name, value });

describe('two versions of a project', () => {
  it('come together where each changed another field', () => {
    const { content, conflicts } = merge(
      text(),
      text({ displayName: 'Ours', state: 'Stopped' }),
      text({ description: 'Theirs' }),
    );
    expect(conflicts).toEqual([]);
    expect(specOf(content)).toMatchObject({ displayName: 'Ours', state: 'Stopped', description: 'Theirs' });
  });

  it('come together where both made the same change', () => {
    const { content, conflicts } = merge(
      text(),
      text({ displayName: 'New', state: 'Stopped' }),
      text({ displayName: 'New' }),
    );
    expect(conflicts).toEqual([]);
    expect(specOf(content)).toMatchObject({ displayName: 'New', state: 'Stopped' });
  });

  it('keep ours and name the field where both changed it differently', () => {
    const { content, conflicts } = merge(
      text({ displayName: 'Base' }),
      text({ displayName: 'Ours' }),
      text({ displayName: 'Theirs', description: 'Also theirs' }),
    );
    expect(conflicts).toEqual([{ field: 'spec.displayName', base: 'Base', ours: 'Ours', theirs: 'Theirs' }]);
    expect(specOf(content)).toMatchObject({ displayName: 'Ours', description: 'Also theirs' });
  });

  it('take a field that one side removed, and not where the other changed it', () => {
    const removed = merge(text({ description: 'x' }), text({ description: 'x', state: 'Stopped' }), text());
    expect(removed.conflicts).toEqual([]);
    expect(specOf(removed.content).description).toBeUndefined();
    const both = merge(text({ description: 'x' }), text({ description: 'y' }), text());
    expect(both.conflicts).toEqual([{ field: 'spec.description', base: 'x', ours: 'y', theirs: undefined }]);
  });

  it('merge variables by their names, each as one value, in an order that both would recognise', () => {
    const base = text({ env: [plain('A', '1'), plain('B', '1'), plain('C', '1')] });
    const ours = text({ env: [plain('A', 'ours'), plain('B', '1'), plain('C', '1'), plain('OURS', '1')] });
    const theirs = text({ env: [plain('A', '1'), plain('THEIRS', '1'), plain('C', '1')] });
    const { content, conflicts } = merge(base, ours, theirs);
    expect(conflicts).toEqual([]);
    expect(specOf(content).env).toEqual([
      plain('A', 'ours'),
      plain('THEIRS', '1'),
      plain('C', '1'),
      plain('OURS', '1'),
    ]);
  });

  it('never make a variable that neither side wrote', () => {
    const { content, conflicts } = merge(
      text({ env: [plain('A', '1')] }),
      text({ env: [plain('A', '2')] }),
      text({ env: [{ name: 'A', sealed: SEALED_TEXT }] }),
    );
    expect(conflicts.map(({ field }) => field)).toEqual(['spec.env.A']);
    expect(specOf(content).env).toEqual([plain('A', '2')]);
  });

  it('merge the fields of a port', () => {
    const port = (visibility: 'members' | 'public', name: string): Partial<Spec> => ({
      sandbox: { ...project('blog').spec.sandbox, ports: [{ port: 5173, name, visibility }] },
    });
    const { content } = merge(
      text(port('members', 'vite')),
      text(port('public', 'vite')),
      text(port('members', 'web')),
    );
    expect(specOf(content).sandbox.ports).toEqual([{ port: 5173, name: 'web', visibility: 'public' }]);
  });

  it('are ours as a whole where the fields of both make no valid document', () => {
    const stopped = text({ state: 'Stopped' });
    const deleted = text({ state: 'Deleted', deletedAt: '2026-11-23T08:00:00Z' });
    expect(merge(text(), stopped, deleted)).toEqual({
      content: stopped,
      conflicts: [{ field: '', base: text(), ours: stopped, theirs: deleted }],
    });
  });

  it('keep the layout of the side that says everything', () => {
    const theirs = `# by hand\n${text({ displayName: 'Theirs' })}`;
    expect(merge(text(), text({ displayName: 'Theirs' }), theirs).content).toBe(
      text({ displayName: 'Theirs' }),
    );
    expect(merge(text(), `# ours\n${text()}`, theirs).content).toBe(theirs);
  });
});

describe('a file that is not there on one side', () => {
  it('is removed where the other left it alone, and stays where it changed it', () => {
    expect(merge(text(), text(), null)).toEqual({ content: null, conflicts: [] });
    const changed = text({ displayName: 'Ours' });
    const kept = merge(text(), changed, null);
    expect(kept.content).toBe(changed);
    expect(kept.conflicts).toHaveLength(1);
    const gone = merge(text(), null, changed);
    expect(gone.content).toBeNull();
    expect(gone.conflicts).toHaveLength(1);
  });

  it('is never made of two that were created apart', () => {
    const [ours, theirs] = [text({ displayName: 'Ours' }), text({ description: 'Theirs' })];
    expect(merge(null, ours, theirs)).toEqual({
      content: ours,
      conflicts: [{ field: '', base: null, ours, theirs }],
    });
  });
});

describe('what cannot be merged by fields', () => {
  it('is one value: another file, and a document that cannot be read', () => {
    const readme = mergeFile({ path: 'README.md', base: 'a\n', ours: 'b\n', theirs: 'c\n' });
    expect(readme).toEqual({
      content: 'b\n',
      conflicts: [{ field: '', base: 'a\n', ours: 'b\n', theirs: 'c\n' }],
    });
    const unreadable = merge(text(), text({ displayName: 'Ours' }), 'spec: {}\n');
    expect(unreadable.content).toBe(text({ displayName: 'Ours' }));
    expect(unreadable.conflicts).toHaveLength(1);
  });

  it('stays as they wrote it where only they changed it', () => {
    expect(merge(text(), text(), 'spec: {}\n')).toEqual({ content: 'spec: {}\n', conflicts: [] });
  });
});

it('merges the members of a tenant by who they are', () => {
  const member = (user: string, role: 'owner' | 'maintainer' | 'viewer'): string =>
    writeDocument({
      ...tenant,
      spec: {
        ...tenant.spec,
        members: [
          { user: OWNER, role: 'owner' },
          { user, role },
        ],
      },
    });
  const { content, conflicts } = mergeFile({
    path: tenantPath(NAMESPACE),
    base: writeDocument(tenant),
    ours: member('aaaaaaaaaa', 'viewer'),
    theirs: member('bbbbbbbbbb', 'maintainer'),
  });
  expect(conflicts).toEqual([]);
  expect(content).toContain('aaaaaaaaaa');
  expect(content).toContain('bbbbbbbbbb');
});

describe('any two changes', () => {
  const name = fc.constantFrom('A', 'B', 'C', 'D', 'constructor', '__proto__');
  const env = fc.uniqueArray(fc.record({ name, value: fc.constantFrom('1', '2', '3') }), {
    selector: (variable) => variable.name,
  });
  const spec = fc.record(
    {
      displayName: fc.constantFrom('x', 'y', 'z'),
      description: fc.constantFrom('x', 'y', 'z'),
      state: fc.constantFrom('Running' as const, 'Stopped' as const),
      env,
    },
    { requiredKeys: ['env'] },
  );

  it('lose nothing: every field is as one side has it, and what is not is a conflict', () => {
    fc.assert(
      fc.property(spec, spec, spec, (...specs) => {
        const [base, ours, theirs] = specs.map((one) => text(one)) as [string, string, string];
        const { content, conflicts } = merge(base, ours, theirs);
        const conflicted = new Set(conflicts.map(({ field }) => field));
        const versions = [base, ours, theirs, content].map((one) => flat(specOf(one)));
        for (const field of new Set(versions.flatMap((one) => [...one.keys()]))) {
          const [before, mine, yours, now] = versions.map((one) => one.get(field));
          if (mine === yours || yours === before) expect(now).toBe(mine);
          else if (mine === before) expect(now).toBe(yours);
          else expect([conflicted.has(field), now]).toEqual([true, mine]);
        }
      }),
    );
  });

  it('that are no change leave the other side as it is', () => {
    fc.assert(
      fc.property(spec, spec, (before, after) => {
        expect(merge(text(before), text(after), text(before)).content).toBe(text(after));
        expect(merge(text(before), text(before), text(after)).content).toBe(text(after));
        expect(merge(text(before), text(after), text(after)).content).toBe(text(after));
      }),
    );
  });

  function flat({ env: variables, ...rest }: Spec): Map<string, string> {
    const fields = Object.entries(rest).map(([field, value]): [string, string] => [
      `spec.${field}`,
      JSON.stringify(value),
    ]);
    const entries = variables.map((one): [string, string] => [`spec.env.${one.name}`, JSON.stringify(one)]);
    return new Map([...fields, ...entries]);
  }
});
