/** What `kubectl explain` says of each kind: what it is for, and what this engine makes of it. */
export const DESCRIPTIONS: Readonly<Record<string, string>> = {
  Namespace:
    'A tenant. Its projects are in it, and nothing in another namespace can name what is in this one.',
  Node: 'This machine. Its labels say how sandboxes are kept apart here.',
  Pod: 'A sandbox or a part of a release: processes of this machine with a workspace. A pod that is deleted comes back.',
  Service: 'A name for ports of pods. Where they are on this machine is in the EndpointSlice.',
  ConfigMap: 'Plain variables. They are files in the sandbox, which every new shell reads.',
  Secret:
    'Values that were unsealed, or that a database made. They are in memory and in files of the sandbox only.',
  PersistentVolumeClaim: 'A workspace: a folder of this machine. Its size is noted and not enforced.',
  ServiceAccount: 'Taken and not acted on: nothing in a sandbox talks to this API.',
  Event: 'What happened to an object. The last two hundred are kept.',
  ResourceQuota: 'Taken and not acted on: this is an engine for one person.',
  LimitRange: 'Taken and not acted on: limits are those of the pod.',
  StatefulSet: 'A sandbox: one pod, or none while the project is stopped.',
  Deployment: 'A release: pods with a copy of a workspace, replaced one after the other.',
  HorizontalPodAutoscaler: 'Taken and not acted on: a release has as many pods as it asks for.',
  PodDisruptionBudget: 'Taken and not acted on: there is one machine.',
  Ingress: 'An address: a host of this machine that leads to a port of a Service.',
  NetworkPolicy:
    'Taken and not acted on: sandboxes are kept apart by network namespaces, where this machine has them.',
  Role: 'Taken and not acted on: who has the token may read everything.',
  RoleBinding: 'Taken and not acted on: who has the token may read everything.',
  Endpoints: 'The same as the EndpointSlice of this name, for clients that are older than that.',
  EndpointSlice: 'Where a Service answers on this machine.',
  Cluster: 'A PostgreSQL server of its own, with its schedule of backups.',
  Backup: 'A copy of a database at one moment. It is asked for in the Project document.',
  SealedSecret: 'Sealed values. The engine has the key, and makes the Secret of them.',
  Kustomization: 'One folder of branch "rendered": which commit of it is applied, and what came of it.',
  GitRepository: 'The repository that this engine follows.',
};

/** Of fields that every kind has, or most. */
export const FIELDS = {
  apiVersion: 'The group and version of the kind.',
  kind: 'What this is.',
  metadata: 'Name, namespace, labels and annotations.',
  spec: 'What is wanted. It is what branch "rendered" says; changes go through git, or the portal.',
  status: 'What is so, as this engine sees it.',
  data: 'The values by their names.',
} as const;
