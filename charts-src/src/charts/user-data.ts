import { ApiObject, type ApiObjectProps, type Chart } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';

export type UserData = Readonly<Record<string, string>>;

/**
 * Objects whose keys are names that a person chose. These keys go past cdk8s: it copies objects key by key, so a
 * variable called `__proto__` would vanish, and one called `constructor` would be taken for the object's class.
 */
export class UserConfigMap extends k8s.KubeConfigMap {
  readonly #data: UserData;

  constructor(chart: Chart, id: string, props: { metadata: k8s.ObjectMeta; data: UserData }) {
    super(chart, id, { metadata: props.metadata });
    this.#data = props.data;
  }

  /** Without `data` where there is none: the API server would drop an empty map, and the next diff would show it. */
  override toJson(): object {
    const json = super.toJson() as object;
    return Object.keys(this.#data).length === 0 ? json : { ...json, data: this.#data };
  }
}

interface SealedSecretProps {
  readonly metadata: NonNullable<ApiObjectProps['metadata']>;
  readonly template: object;
  /** Ciphertext only. */
  readonly encryptedData: UserData;
}

export class SealedSecret extends ApiObject {
  readonly #props: SealedSecretProps;

  constructor(chart: Chart, id: string, props: SealedSecretProps) {
    super(chart, id, { apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', metadata: props.metadata });
    this.#props = props;
  }

  override toJson(): object {
    const { encryptedData, template } = this.#props;
    return { ...(super.toJson() as object), spec: { encryptedData, template } };
  }
}
