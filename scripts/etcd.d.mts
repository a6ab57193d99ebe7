/** One etcd build: absolute paths of its programs. */
export interface EtcdBuild {
  readonly minor: string;
  readonly version: string;
  readonly etcd: string;
  readonly etcdctl: string;
}

export declare const cacheFolder: string;
export declare const minors: readonly string[];
/** The value of `ETCD_UNSUPPORTED_ARCH` that this machine needs, or ''. */
export declare const unsupportedArch: string;
export declare function findEtcd(minor: string, options?: { readonly offline?: boolean }): Promise<EtcdBuild>;
export declare function findEtcds(options?: { readonly offline?: boolean }): Promise<{
  readonly found: readonly EtcdBuild[];
  readonly missing: readonly { readonly minor: string; readonly reason: string }[];
}>;
