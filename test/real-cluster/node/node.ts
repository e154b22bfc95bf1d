import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeFolder, ROOT, temporaryFolder } from '../../support/folders.js';
import { until } from '../../support/until.js';
import type { ApiServer } from '../api-server.js';
import { Programs } from '../programs.js';

/** Where build-node.sh puts what it builds. */
export const BUILT = join(ROOT, 'node_modules', '.cache', 'real-cluster', 'node-1.34.4-0.36.0');
/** What test/image/build-on-debian.sh made of runtime/Dockerfile; run.sh names the archive. */
const SANDBOX = process.env['REAL_NODE'];
export const SANDBOX_IMAGE = 'localhost/sandbox:1';
export const ADDRESS = '10.240.0.1';
const PODS = '10.231.0.0/24';
const NAME = 'node1';

/** The kubelet writes these for the whole machine: it gets files of its own in their place. */
const SETTINGS = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
] as const;

/** Written to by the kubelet, containerd and the network's plug-ins wherever else they are told to write. */
const OWN_FOLDERS = ['/run', '/var/log', '/var/lib/cni', '/var/lib/kubelet'] as const;

/** Of the API server of a cluster with a node. */
export const SERVER_FLAGS: Readonly<Record<string, string>> = {
  'advertise-address': ADDRESS,
  'kubelet-preferred-address-types': 'InternalIP',
};

/** Why no node can be started; undefined where it can. It needs namespaces of its own, which run.sh makes. */
export function missingForNode(): string | undefined {
  if (SANDBOX !== undefined) return undefined;
  return 'it builds a kubelet and the image, and takes half an hour: test/real-cluster/node/run.sh';
}

/** What a pod needs to pause: an image without any system in it. */
const PAUSE = `#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int signal) { _exit(signal == SIGTERM ? 0 : 1); }
static void reap(int signal) { while (signal && waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) { signal(SIGTERM, end); signal(SIGINT, end); signal(SIGCHLD, reap); for (;;) pause(); }
`;

/** containerd, a kubelet, kube-proxy, the scheduler and the controllers of Kubernetes, with Sealed Secrets beside them. */
export class Node {
  readonly #folder = temporaryFolder('node');
  readonly #programs = new Programs(this.#folder);

  constructor(private readonly server: ApiServer) {}

  /** The network, before anything listens there. */
  prepare(): void {
    this.#network();
    this.#settings();
    this.#configure();
  }

  async start(): Promise<void> {
    this.#programs.start('containerd', ['--config', this.#path('containerd.toml')]);
    await until('containerd answers', () => this.#ctr('version') !== '');
    this.#images();
    const { kubeconfig, folder } = this.server;
    this.#programs.start(join(BUILT, 'kube-controller-manager'), [
      ...['--leader-elect=false', `--kubeconfig=${kubeconfig}`, `--cert-dir=${this.#path('controllers')}`],
      `--service-account-private-key-file=${join(folder, 'sa.key')}`,
      `--root-ca-file=${join(folder, 'certs', 'apiserver.crt')}`,
    ]);
    this.#programs.start(join(BUILT, 'kube-scheduler'), [
      ...['--leader-elect=false', `--kubeconfig=${kubeconfig}`, `--cert-dir=${this.#path('scheduler')}`],
    ]);
    this.#programs.start(join(BUILT, 'kubelet'), [
      ...[`--config=${this.#path('kubelet.json')}`, `--kubeconfig=${kubeconfig}`, `--node-ip=${ADDRESS}`],
      ...[`--root-dir=${this.#path('kubelet')}`, `--cert-dir=${this.#path('kubelet-certs')}`],
      `--hostname-override=${NAME}`,
    ]);
    this.#programs.start(join(BUILT, 'kube-proxy'), [
      ...[`--kubeconfig=${kubeconfig}`, '--proxy-mode=iptables', `--cluster-cidr=${PODS}`],
      ...[`--hostname-override=${NAME}`, '--oom-score-adj=0', '--healthz-bind-address='],
      ...['max-per-core', 'tcp-timeout-established', 'tcp-timeout-close-wait'].map(
        (n) => `--conntrack-${n}=0`,
      ),
    ]);
    await until('the node is ready', () => {
      const wait = ['wait', `node/${NAME}`, '--for=condition=Ready', '--timeout=1s'];
      return this.server.kubectl(...wait).includes('condition met');
    });
    this.#volumes();
  }

  /** Pods end first: their mounts lie in the folder. */
  async stop(): Promise<void> {
    this.#endPods();
    await this.#programs.end();
    // Volumes of pods are mounted there.
    execFileSync('umount', ['--recursive', '--lazy', this.#folder]);
    removeFolder(this.#folder);
  }

  /** Ends what containerd has started, which goes on without it. */
  #endPods(): void {
    if (!existsSync(this.#path('containerd.sock'))) return;
    const list = this.#ctr('tasks', 'list', '--quiet').split('\n').filter(Boolean);
    for (const task of list) this.#ctr('tasks', 'kill', '--all', '--signal', 'SIGKILL', task);
  }

  /** The end of what each program has logged, for the message of a test that fails. */
  log(): string {
    return this.#programs.log();
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #network(): void {
    const ip = (...args: string[]): unknown => execFileSync('ip', args, { stdio: 'pipe' });
    ip('link', 'set', 'lo', 'up');
    ip('link', 'add', 'd0', 'type', 'bridge');
    ip('addr', 'add', `${ADDRESS}/24`, 'dev', 'd0');
    ip('link', 'set', 'd0', 'up');
    ip('route', 'add', 'default', 'via', '10.240.0.254');
    execFileSync('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.route_localnet=1']);
  }

  #settings(): void {
    for (const setting of SETTINGS) {
      const own = this.#path(setting.replaceAll('/', '.'));
      writeFileSync(own, readFileSync(join('/proc/sys', setting)));
      execFileSync('mount', ['--bind', own, join('/proc/sys', setting)]);
    }
    for (const folder of OWN_FOLDERS) {
      mkdirSync(folder, { recursive: true });
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder]);
    }
    // The kubelet hands mounts on to its pods.
    execFileSync('mount', ['--bind', this.#folder, this.#folder]);
    execFileSync('mount', ['--make-rshared', this.#folder]);
  }

  #configure(): void {
    const socket = this.#path('containerd.sock');
    mkdirSync(this.#path('cni'));
    const ipam = { type: 'host-local', dataDir: this.#path('ipam'), ranges: [[{ subnet: PODS }]] };
    const bridge = { type: 'bridge', bridge: 'cni0', isGateway: true, hairpinMode: true, ipMasq: false };
    const routes = [{ dst: '0.0.0.0/0' }];
    const plugins = [{ ...bridge, ipam: { ...ipam, routes } }];
    writeFileSync(
      this.#path('cni/net.conflist'),
      JSON.stringify({ cniVersion: '0.4.0', name: 'net', plugins }),
    );
    writeFileSync(
      this.#path('containerd.toml'),
      `version = 2
root = "${this.#path('containerd-root')}"
state = "${this.#path('containerd-state')}"
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "localhost/pause:1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${this.#path('cni')}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`,
    );
    const kubelet = {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
      authorization: { mode: 'AlwaysAllow' },
      address: ADDRESS,
      cgroupDriver: 'cgroupfs',
      enforceNodeAllocatable: [],
      failSwapOn: false,
      maxOpenFiles: 20_000,
      oomScoreAdj: 0,
      evictionHard: { 'nodefs.available': '1%', 'imagefs.available': '1%', 'memory.available': '50Mi' },
      containerRuntimeEndpoint: `unix://${socket}`,
    };
    writeFileSync(this.#path('kubelet.json'), JSON.stringify(kubelet));
  }

  #images(): void {
    writeFileSync(this.#path('pause.c'), PAUSE);
    const program = this.#path('pause');
    execFileSync('gcc', ['-static', '-O2', '-o', program, this.#path('pause.c')]);
    const archive = this.#path('pause.tar');
    const stores = [
      '--storage-driver',
      'vfs',
      '--root',
      this.#path('store'),
      '--runroot',
      this.#path('store-run'),
    ];
    const buildah = (...args: string[]): string =>
      execFileSync('buildah', [...stores, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }).trim();
    const container = buildah('from', 'scratch');
    buildah('copy', '--quiet', container, program, '/pause');
    buildah('config', '--entrypoint', '["/pause"]', container);
    buildah('commit', '--quiet', container, 'localhost/pause:1');
    buildah('push', '--quiet', 'localhost/pause:1', `docker-archive:${archive}:localhost/pause:1`);
    for (const image of [archive, SANDBOX ?? '']) this.#ctr('image', 'import', image);
  }

  #ctr(...args: readonly string[]): string {
    const to = ['--address', this.#path('containerd.sock'), '--namespace', 'k8s.io'];
    return execFileSync('ctr', [...to, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Folders of the node: nobody makes volumes here. */
  #volumes(): void {
    const className = 'folders';
    const storageClass = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: className, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    };
    const here = { key: 'kubernetes.io/hostname', operator: 'In', values: [NAME] };
    const volumes = ['one', 'two', 'three'].map((name) => {
      const path = this.#path(`volume-${name}`);
      mkdirSync(path);
      return {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name },
        spec: {
          capacity: { storage: '20Gi' },
          accessModes: ['ReadWriteOnce'],
          persistentVolumeReclaimPolicy: 'Retain',
          storageClassName: className,
          local: { path },
          nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [here] }] } },
        },
      };
    });
    const list = { apiVersion: 'v1', kind: 'List', items: [storageClass, ...volumes] };
    this.server.kubectlWith(JSON.stringify(list), 'apply', '-f', '-');
  }
}
