/** `GET …/projects/:id/disk`: what a project takes on the disk. Measured when asked for, at most once a minute. */
export interface DiskDto {
  /** False on a cluster: there the storage class's own metrics say it. The rest is absent then. */
  readonly known: boolean;
  readonly workspace?: DiskUsedDto;
  readonly database?: DiskUsedDto;
  /** What is left for everything on the machine. */
  readonly freeBytes?: number;
  /** The machine says that its disk is (condition `DiskPressure` of the Node). */
  readonly nearlyFull?: true;
}

export interface DiskUsedDto {
  /** Absent while it is measured for the first time. */
  readonly bytes?: number;
  /** RFC 3339. */
  readonly measuredAt?: string;
}
