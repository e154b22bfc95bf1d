import { objectNames } from '@fullstackagent/charts';
import { AppError } from '../contract/errors.js';
import type { ProjectKey } from '../model/intent.js';
import { at, list, record, text } from '../shared/json.js';
import { KubeError, type KubeApi } from '../shared/kube-api.js';
import { EXEC_PROTOCOL, execStream, type SandboxProgram } from './exec-stream.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What reaches a running sandbox: its addresses and its secrets, read from the cluster each time and never kept. */
export class SandboxAccess {
  constructor(private readonly api: KubeApi) {}

  /** Where the terminal answers. Throws NOT_READY while it does not. */
  async terminalAddress(key: ProjectKey): Promise<Address> {
    const address = await this.endpoint(key.namespace, objectNames(key.name).sandbox, 'ttyd');
    if (address === undefined) throw new AppError('NOT_READY', 'The sandbox is not running.');
    return address;
  }

  /** A ready endpoint of a Service, found by EndpointSlice as an ingress controller does; undefined where none is. */
  async endpoint(
    namespace: string,
    service: string,
    portName: string | undefined,
  ): Promise<Address | undefined> {
    const slices = await this.#read(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
      labelSelector: `kubernetes.io/service-name=${service}`,
    });
    for (const slice of list(slices, 'items')) {
      const port = list(slice, 'ports').find(
        (entry) => portName === undefined || text(entry, 'name') === portName,
      );
      const endpoint = list(slice, 'endpoints').find((entry) => at(entry, 'conditions', 'ready') !== false);
      const [host] = list(endpoint, 'addresses');
      const number = at(port, 'port');
      if (typeof host === 'string' && typeof number === 'number') return { host, port: number };
    }
    return undefined;
  }

  /** Throws NOT_READY while the Secret has not been unsealed. */
  async terminalToken(key: ProjectKey): Promise<string> {
    const secret = await this.secret(key.namespace, objectNames(key.name).terminal);
    const token = secret?.get('TTYD_ACCESS_TOKEN');
    if (token === undefined)
      throw new AppError('NOT_READY', 'The terminal of this sandbox is not set up yet.');
    return token;
  }

  /** The decoded values of a Secret, undefined where there is none. */
  async secret(namespace: string, name: string): Promise<ReadonlyMap<string, string> | undefined> {
    const secret = await this.#read(`/api/v1/namespaces/${namespace}/secrets/${name}`);
    if (secret === undefined) return undefined;
    return new Map(
      Object.entries(record(at(secret, 'data'))).map(([key, value]) => [
        key,
        Buffer.from(String(value), 'base64').toString('utf8'),
      ]),
    );
  }

  /** Runs a program beside the shells. Throws NOT_READY where the sandbox does not run. */
  async run({ namespace, name }: ProjectKey, command: readonly string[]): Promise<SandboxProgram> {
    const pod = `${objectNames(name).sandbox}-0`;
    const query: readonly (readonly [string, string])[] = [
      ['container', 'sandbox'],
      ...['stdin', 'stdout', 'stderr'].map((stream): [string, string] => [stream, 'true']),
      ...command.map((word): [string, string] => ['command', word]),
    ];
    const path = `/api/v1/namespaces/${namespace}/pods/${pod}/exec`;
    try {
      return execStream(await this.api.connect(path, query, EXEC_PROTOCOL));
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.status === 404)
        throw new AppError('NOT_READY', 'The sandbox is not running.', { cause: error });
      throw error.toAppError();
    }
  }

  async #read(path: string, query?: Readonly<Record<string, string>>): Promise<unknown> {
    try {
      return await this.api.get(path, query);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.status === 404) return undefined;
      throw error.toAppError();
    }
  }
}
