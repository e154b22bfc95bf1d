import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProjectDto, StatusEvent } from '../contract/projects.js';
import { until, type ClusterObject } from '../shared/cluster-for-tests.js';
import {
  APPLIERS,
  ControllerForTests,
  NAMESPACE,
  PODS,
  SETS,
  tokenOf,
  VOLUMES,
  type Person,
} from './controller-for-tests.js';

const PROJECTS = `/v1/tenants/${NAMESPACE}/projects`;
const OTHER = 'ns-other000';

let controller: ControllerForTests;

beforeAll(async () => {
  controller = await ControllerForTests.start();
  await controller.call('PUT', `/v1/tenants/${OTHER}`, { as: 'stranger', body: { displayName: 'Other' } });
});
afterAll(async () => {
  await controller.stop();
});

/** An event stream as a browser reads it. */
class Stream {
  readonly events: StatusEvent[] = [];
  readonly #abort = new AbortController();
  ended = false;

  static async open(person: Person, query = ''): Promise<Stream> {
    const stream = new Stream();
    const response = await fetch(`http://127.0.0.1:${controller.port}/v1/events${query}`, {
      headers: { Authorization: `Bearer ${await tokenOf(person)}` },
      signal: stream.#abort.signal,
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    void stream.#read(response).catch(() => undefined);
    await until(() => stream.events.length > 0, 'the snapshot');
    return stream;
  }

  /** What a person sees of a project now: the snapshot and everything since. */
  project(id: string): ProjectDto | undefined {
    return this.events.reduce<ProjectDto | undefined>((seen, event) => {
      if (event.type === 'snapshot') return event.projects.find((project) => project.id === id);
      return event.type === 'project' && event.project.id === id ? event.project : seen;
    }, undefined);
  }

  statuses(id: string): string[] {
    const all = this.events.flatMap((event) =>
      event.type === 'project' && event.project.id === id ? [event.project.status] : [],
    );
    return all.filter((status, index) => status !== all[index - 1]);
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) this.#add(block);
    }
    this.ended = true;
  }

  #add(block: string): void {
    const [event, data] = block.split('\n');
    if (event?.startsWith(':') === true) return;
    const parsed = JSON.parse(data?.replace(/^data: /, '') ?? '') as StatusEvent;
    expect(event).toBe(`event: ${parsed.type}`);
    this.events.push(parsed);
  }
}

/** The cluster's part of a start: what an applier and Kubernetes would do with the manifests. */
class Applier {
  constructor(private readonly id: string) {}

  async revision(): Promise<{ commit: string; version: string }> {
    const { json } = await controller.call('GET', `${PROJECTS}/${this.id}/manifests`, { as: 'owner' });
    const { version } = (await controller.call('GET', `${PROJECTS}/${this.id}`, { as: 'owner' }))
      .json as unknown as ProjectDto;
    return { commit: String(json['commit']), version };
  }

  async apply(replicas: 0 | 1): Promise<void> {
    const { commit, version } = await this.revision();
    const annotations = { 'fullstackagent.dev/intent': version };
    controller.cluster.put(
      VOLUMES,
      this.#object(`${this.id}--workspace`, { annotations }, { status: { phase: 'Bound' } }),
    );
    controller.cluster.put(
      SETS,
      this.#object(
        this.id,
        { annotations, generation: 1 },
        {
          spec: { replicas },
          status: {
            observedGeneration: 1,
            readyReplicas: replicas,
            currentRevision: 'a',
            updateRevision: 'a',
          },
        },
      ),
    );
    controller.cluster.put(APPLIERS, {
      metadata: { name: this.id, namespace: NAMESPACE, generation: 1 },
      status: {
        observedGeneration: 1,
        lastAppliedRevision: `rendered@sha1:${commit}`,
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    });
  }

  pod(ready: boolean): void {
    controller.cluster.put(
      PODS,
      this.#object(
        `${this.id}-0`,
        {},
        { status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] } },
      ),
    );
  }

  #object(name: string, metadata: object, rest: object): ClusterObject {
    const labels = {
      'app.kubernetes.io/managed-by': 'fullstackagent',
      'fullstackagent.dev/project': this.id,
      'fullstackagent.dev/workload': 'sandbox',
    };
    return { metadata: { name, namespace: NAMESPACE, labels, ...metadata }, ...rest };
  }
}

async function rendered(id: string): Promise<void> {
  let commit: unknown;
  const ask = async (): Promise<void> => {
    while (commit === undefined) {
      const { json } = await controller.call('GET', `${PROJECTS}/${id}/history?limit=1`, { as: 'owner' });
      commit = (json['commits'] as { renderedCommit?: string }[])[0]?.renderedCommit;
    }
  };
  await Promise.race([ask(), until(() => commit !== undefined, 'the rendering')]);
}

describe('the stream of status', () => {
  test('a start and a stop, as a person sees them', async () => {
    const stream = await Stream.open('viewer');
    await controller.createProject({ name: 'Life' });
    await until(() => stream.project('life')?.status === 'CREATING', 'CREATING');
    await rendered('life');
    const applier = new Applier('life');
    await applier.apply(1);
    applier.pod(false);
    await until(() => stream.project('life')?.status === 'STARTING', 'STARTING');
    applier.pod(true);
    await until(() => stream.project('life')?.status === 'RUNNING', 'RUNNING');
    expect(stream.project('life')?.resources[0]?.steps.every((step) => step.state === 'done')).toBe(true);
    await controller.call('POST', `${PROJECTS}/life/stop`, { as: 'owner' });
    await until(() => stream.project('life')?.status === 'STOPPING', 'STOPPING');
    await rendered('life');
    await applier.apply(0);
    controller.cluster.delete(PODS, NAMESPACE, 'life-0');
    await until(() => stream.project('life')?.status === 'STOPPED', 'STOPPED');
    expect(stream.statuses('life')).toEqual(['CREATING', 'STARTING', 'RUNNING', 'STOPPING', 'STOPPED']);
    stream.close();
  });

  test("another project's commits tell nothing about one that runs, whichever of them is applied", async () => {
    const stream = await Stream.open('viewer');
    const running = async (id: string): Promise<Applier> => {
      await controller.createProject({ name: id });
      await rendered(id);
      const applier = new Applier(id);
      await applier.apply(1);
      applier.pod(true);
      await until(() => stream.project(id)?.status === 'RUNNING', `${id} to run`);
      return applier;
    };
    const calm = await running('calm');
    const before = stream.statuses('calm');
    const busy = await running('busy');
    await controller.call('POST', `${PROJECTS}/busy/restart`, { as: 'owner' });
    await rendered('busy');
    // The applier comes by the folder of the one that nothing changed about, at the other one's commit.
    await calm.apply(1);
    await busy.apply(1);
    await until(() => stream.project('busy')?.status === 'RUNNING', 'the other one to run again');
    expect(stream.statuses('busy')).toContain('UPDATING');
    expect(stream.statuses('calm')).toEqual(before);
    stream.close();
  });

  test('the snapshot and the events are those of my namespaces', async () => {
    const [member, stranger, operator] = await Promise.all([
      Stream.open('viewer'),
      Stream.open('stranger'),
      Stream.open('operator'),
    ]);
    await controller.createProject({ name: 'Private' });
    await controller.call('POST', `/v1/tenants/${OTHER}/projects`, {
      as: 'stranger',
      body: { name: 'Theirs' },
    });
    await until(
      () => operator.project('private') !== undefined && operator.project('theirs') !== undefined,
      'both',
    );
    await until(
      () => member.project('private') !== undefined && stranger.project('theirs') !== undefined,
      'their own',
    );
    expect(member.project('theirs')).toBeUndefined();
    expect(stranger.project('private')).toBeUndefined();
    const late = await Stream.open('stranger');
    expect(late.events[0]).toMatchObject({ type: 'snapshot', projects: [{ id: 'theirs' }] });
    for (const stream of [member, stranger, operator, late]) stream.close();
  });

  test('of one namespace; not of one that is not mine', async () => {
    const one = await Stream.open('operator', `?namespace=${OTHER}`);
    expect(one.events[0]).toMatchObject({ type: 'snapshot', projects: [{ id: 'theirs' }] });
    one.close();
    const refused = await controller.call('GET', `/v1/events?namespace=${OTHER}`, { as: 'viewer' });
    expect(refused.status).toBe(404);
  });

  test('a cluster that goes away: everything is stale, the age goes on, and it is fresh again afterwards', async () => {
    const stream = await Stream.open('viewer');
    await until(() => stream.project('life')?.freshness.state === 'fresh', 'a fresh start');
    await controller.cluster.stop();
    await until(() => stream.project('life')?.freshness.state === 'stale', 'staleness');
    await until(
      () => stream.events.some((event) => event.type === 'freshness' && event.freshness.state === 'stale'),
      'the age',
    );
    expect(stream.project('life')?.status).toBe('STOPPED');
    await controller.cluster.start();
    await until(() => stream.project('life')?.freshness.state === 'fresh', 'recovery');
    stream.close();
  });

  test('a push by hand: what it broke is told beside the last good version, and heals when it is mended', async () => {
    const stream = await Stream.open('viewer');
    const path = `tenants/${NAMESPACE.slice(3, 5)}/${NAMESPACE}/projects/life.yaml`;
    const version = stream.project('life')?.version;
    await controller.push(path, (text) => text.replace('state: Stopped', 'state: Asleep'));
    await until(() => stream.project('life')?.reason === 'InvalidDocument', 'the complaint');
    expect(stream.project('life')).toMatchObject({ status: 'ERROR', desiredState: 'Stopped', version });
    const refused = await controller.call('POST', `${PROJECTS}/life/start`, { as: 'owner' });
    expect(refused.json).toMatchObject({ code: 'ACTION_NOT_ALLOWED' });
    await controller.push(path, (text) => text.replace('state: Asleep', 'state: Stopped'));
    await until(() => stream.project('life')?.status === 'STOPPED', 'the recovery');
    stream.close();
  });

  test('a restart of the controller ends the stream, and loses nothing', async () => {
    const stream = await Stream.open('viewer');
    await controller.restart();
    await until(() => stream.ended, 'the end of the stream');
    const again = await Stream.open('viewer');
    await until(() => again.project('life')?.status === 'STOPPED', 'the status as it was');
    again.close();
  });
});
