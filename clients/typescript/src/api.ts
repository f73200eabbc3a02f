// The API by its names; every type comes from the OpenAPI document.

import { ask, type Result, type Settings } from "./http";
import type { paths } from "./schema";

type Json<Reply> = Reply extends { content: { "application/json": infer Body } } ? Body : never;
type Success<Replies> = Json<Replies[keyof Replies & (200 | 202)]>;
type Data<Operation> = Operation extends { responses: infer Replies }
  ? Success<Replies> extends { data: infer Told }
    ? Told
    : never
  : never;
/** What a GET of a path tells. */
type Of<Path extends keyof paths> = Data<paths[Path]["get"]>;

/** Pages, order and search of a segment's customers. */
export interface CustomersQuery {
  uploadId?: string;
  page?: number;
  limit?: number;
  /** `total_spend`, `total_purchases`, `recency` or `customer_id`; a `-` before it turns it round. */
  sort?: string;
  search?: string;
}

/** Which rules. */
export interface RulesQuery {
  productId?: string;
  minLift?: number;
  minConfidence?: number;
}

/** Behaviour analytics: the contract's `behaviorApi`. Without an upload all of the shop's data count. */
export function createBehaviorApi(settings: () => Settings) {
  const get = <Told>(path: string, query = {}) => ask<Told>(settings(), "GET", `/behavior${path}`, query);
  const compute = (analysis: string, body: object) =>
    ask<Data<paths["/api/behavior/segments/compute"]["post"]>>(settings(), "POST", `/behavior/${analysis}/compute`, {}, body);
  return {
    getSegments: (uploadId?: string) => get<Of<"/api/behavior/segments">>("/segments", { upload_id: uploadId }),
    computeSegments: (uploadId?: string, clusters?: number) =>
      compute("segments", { upload_id: uploadId, n_clusters: clusters }),
    getSegmentCustomers: (segmentId: number, { uploadId, ...query }: CustomersQuery = {}) =>
      get<Of<"/api/behavior/segments/{segment_id}/customers">>(`/segments/${segmentId}/customers`, {
        upload_id: uploadId,
        ...query,
      }),
    getAffinityNetwork: (uploadId?: string, topN?: number) =>
      get<Of<"/api/behavior/affinity/network">>("/affinity/network", { upload_id: uploadId, top_n: topN }),
    getAffinityRules: (uploadId?: string, query: RulesQuery = {}) =>
      get<Of<"/api/behavior/affinity/rules">>("/affinity/rules", {
        upload_id: uploadId,
        product_id: query.productId,
        min_lift: query.minLift,
        min_confidence: query.minConfidence,
      }),
    getBundles: (uploadId?: string, topN?: number) =>
      get<Of<"/api/behavior/affinity/bundles">>("/affinity/bundles", { upload_id: uploadId, top_n: topN }),
    computeAffinity: (uploadId?: string) => compute("affinity", { upload_id: uploadId }),
    getSentimentOverview: (uploadId?: string) =>
      get<Of<"/api/behavior/sentiment/overview">>("/sentiment/overview", { upload_id: uploadId }),
    getSentimentByCategory: (uploadId?: string) =>
      get<Of<"/api/behavior/sentiment/by-category">>("/sentiment/by-category", { upload_id: uploadId }),
    getSentimentByProduct: (uploadId?: string, topN?: number) =>
      get<Of<"/api/behavior/sentiment/by-product">>("/sentiment/by-product", { upload_id: uploadId, top_n: topN }),
    getSentimentKeywords: (uploadId?: string, topN?: number) =>
      get<Of<"/api/behavior/sentiment/keywords">>("/sentiment/keywords", { upload_id: uploadId, top_n: topN }),
    computeSentiment: (uploadId?: string) => compute("sentiment", { upload_id: uploadId }),
    getPersonas: (uploadId?: string) => get<Of<"/api/behavior/personas">>("/personas", { upload_id: uploadId }),
    getPersona: (personaId: number, uploadId?: string) =>
      get<Of<"/api/behavior/personas/{persona_id}/detail">>(`/personas/${personaId}/detail`, { upload_id: uploadId }),
    getRecommendations: (uploadId?: string, query: { category?: string; priority?: string } = {}) =>
      get<Of<"/api/behavior/recommendations">>("/recommendations", { upload_id: uploadId, ...query }),
    computeRecommendations: (uploadId?: string) => compute("recommendations", { upload_id: uploadId }),
    /** `done` and `dismissed` keep a recommendation away; `open` brings it back. */
    markRecommendation: (id: string, status: "open" | "done" | "dismissed") =>
      ask<Data<paths["/api/behavior/recommendations/{id}"]["put"]>>(
        settings(),
        "PUT",
        `/behavior/recommendations/${encodeURIComponent(id)}`,
        {},
        { status },
      ),
  };
}

/** What is said of a file; what is missing is recognized. */
export interface Reading {
  kind?: "transactions" | "reviews" | "customers" | "products" | "page_events";
  /** Headers by field. */
  mapping?: Record<string, string>;
  dates?: "day_first" | "month_first";
  decimal?: "point" | "comma";
  name?: string;
}

type Upload = Of<"/api/uploads/{id}">;

/** Files of rows, and the jobs that read them. */
export function createUploadsApi(settings: () => Settings) {
  const read = (id: string) => ask<Upload>(settings(), "GET", `/uploads/${encodeURIComponent(id)}`);
  return {
    /** Sends a file; a job reads it. */
    send: (file: Blob | Uint8Array, { mapping, ...reading }: Reading = {}) =>
      ask<Upload>(
        settings(),
        "POST",
        "/uploads",
        { ...reading, mapping: mapping && JSON.stringify(mapping) },
        file,
      ),
    get: read,
    list: (before?: string, limit?: number) => ask<Of<"/api/uploads">>(settings(), "GET", "/uploads", { before, limit }),
    remove: (id: string) =>
      ask<Data<paths["/api/uploads/{id}"]["delete"]>>(settings(), "DELETE", `/uploads/${encodeURIComponent(id)}`),
    getJob: (id: string) => ask<Of<"/api/jobs/{id}">>(settings(), "GET", `/jobs/${encodeURIComponent(id)}`),
    cancelJob: (id: string) =>
      ask<Data<paths["/api/jobs/{id}"]["delete"]>>(settings(), "DELETE", `/jobs/${encodeURIComponent(id)}`),
    /** Looks every so often until an upload's rows count, or never will. */
    async whenDone(id: string, everyMs = 500): Promise<Result<Upload>> {
      for (;;) {
        const told = await read(id);
        if (!told.success || told.data.status === "done" || told.data.status === "failed") return told;
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
    },
  };
}
