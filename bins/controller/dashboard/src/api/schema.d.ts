// Made of /openapi.json by `npm run types`. Do not edit.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What everybody may know of a controller. */
        About: {
            /** @description The program's version. */
            version: string;
            signIn?: components["schemas"]["SignInPlace"] | null;
            /** @description It was started with `--demo`: there is something to look at. */
            demo: boolean;
        };
        /** @description a scenario, or any other object, whose faults are the answer */
        AnyScenario: components["schemas"]["Scenario"] | Record<string, never>;
        /** @description The good run. */
        Baseline: {
            /** @description A run of the scenario that has ended; null: no run any more. */
            runId: string | null;
        };
        /** @description A finding: something that limits the target. */
        Bottleneck: {
            /** @description what the target does: saturation, queueing, error_cliff, rate_limited, latency_drift, periodic_stall, connection_limit, slow_handshake, cold_start, bimodal_latency, timeout_wall, worker_skew; later versions may know more */
            kind: string;
            /**
             * @description how bad
             * @enum {string}
             */
            severity: "info" | "warning" | "critical";
            /** @description how sure we are */
            confidence: number;
            /** @description when it began, in seconds since the start of the measured time */
            fromSecond: number;
            /** @description when it ended */
            toSecond: number;
            /** @description the request of the mix that it is about; null: all */
            request: string | null;
            /** @description the figures that it rests on */
            evidence: {
                [key: string]: unknown;
            };
            /** @description what the target said of itself meanwhile */
            witnesses: {
                /** @description the endpoint that told it */
                name: string;
                series: string;
                /** @description how long before the finding it moved */
                leadSeconds: number;
                correlation: number;
            }[];
            /** @description in a sentence */
            explanation: string;
            /** @description what to do about it */
            nextStep: string;
        };
        /** @description The highest rate at which an objective holds, and what that rests on. */
        Capacity: {
            /** @description version of this document: 1 */
            schemaVersion: number;
            /** @description the highest rate at which the objective holds; null where none was found */
            capacityRps: number | null;
            /** @description between which rates it lies; an end is null where none was found */
            interval: (number | null)[];
            /** @description how sure it is that it lies there */
            confidencePercent: number;
            /** @description the objective */
            slo: string;
            /**
             * @description what does not allow more; null where that was not found out
             * @enum {string|null}
             */
            limitedBy: "slo" | "generator" | "maxRate" | null;
            /** @description what came of it, in a sentence */
            conclusion: string;
            /** @description the highest rate that might have been tried */
            maxRate: number;
            /** @description how long the trials took */
            seconds: number;
            /** @description the search was ended before it had found an end */
            interrupted: boolean;
            /** @description the trials, in their order */
            trials: {
                /** @description the offered rate */
                rate: number;
                /** @description where the part that was measured begins, in seconds since the start */
                fromSecond: number;
                /** @description where it ends */
                toSecond: number;
                /** @description arrivals in it */
                due: number;
                /** @description requests that were ok */
                ok: number;
                /** @description requests with an outcome per second */
                achievedRps: number | null;
                /** @description the objective held */
                held: boolean;
                /** @description the figure that it is about */
                figure: number | null;
                /** @description ms or % */
                unit: string;
                /** @description why it did not hold, where that is not the figure */
                reason: string | null;
                /**
                 * @description may its figures be trusted
                 * @enum {string}
                 */
                verdict: "VALID" | "DEGRADED" | "INVALID";
                /** @description what speaks against them: kinds of reasons, as a run's verdict has them */
                causes: string[];
                /** @description it did not hold, and its generator was in a trouble that no trial had that held */
                byGenerator: boolean;
                /** @description it is part of what is said of the capacity */
                counted: boolean;
            }[];
        };
        /** @description Two runs side by side: what became different, how sure that is, and whether it is a regression. */
        Comparison: {
            /** @description the version of this document: 1 */
            schemaVersion: number;
            /**
             * @description what came of all figures
             * @enum {string}
             */
            judgement: "regression" | "worse" | "improvement" | "better" | "no_difference" | "unknown";
            /** @description the same in a sentence */
            conclusion: string;
            /** @description how much worse a figure may be */
            tolerancePercent: number;
            /** @description how sure it is that all intervals together hold what they are about: 95 */
            confidencePercent: number;
            /**
             * @description the worst verdict on a measurement among the runs
             * @enum {string}
             */
            verdict: "VALID" | "DEGRADED" | "INVALID";
            /** @description what is compared with */
            base: {
                /** @description the name of its scenario */
                name: string | null;
                /**
                 * Format: date-time
                 * @description when its measured time began
                 */
                startedAt: string;
                /** @description how long that was */
                durationSeconds: number;
                /** @description requests with an outcome */
                totalRequests: number;
                /**
                 * @description may its measurement be trusted
                 * @enum {string}
                 */
                verdict: "VALID" | "DEGRADED" | "INVALID";
                /** @description nothing in it is unknown */
                complete: boolean;
                /** @description it was ended before its time */
                interrupted: boolean;
            }[];
            /** @description what is judged */
            candidate: {
                /** @description the name of its scenario */
                name: string | null;
                /**
                 * Format: date-time
                 * @description when its measured time began
                 */
                startedAt: string;
                /** @description how long that was */
                durationSeconds: number;
                /** @description requests with an outcome */
                totalRequests: number;
                /**
                 * @description may its measurement be trusted
                 * @enum {string}
                 */
                verdict: "VALID" | "DEGRADED" | "INVALID";
                /** @description nothing in it is unknown */
                complete: boolean;
                /** @description it was ended before its time */
                interrupted: boolean;
            }[];
            /** @description what speaks against comparing them, in sentences */
            warnings: string[];
            /** @description the figures of all requests together */
            changes: {
                /** @description its name, as SLA rules have it: p50, p90, p95, p99, p99.9, error_rate, achieved_rate, rps */
                figure: string;
                /**
                 * @description the unit of base, candidate and difference
                 * @enum {string}
                 */
                unit: "ms" | "%" | "/s";
                /** @description in the base */
                base: number | null;
                /** @description in the candidate */
                candidate: number | null;
                /** @description candidate less base; of % these are percentage points */
                difference: number | null;
                /** @description between which two values the difference lies */
                differenceInterval: number[] | null;
                /** @description the difference in percent of the base; null where that is 0 */
                changePercent: number | null;
                /** @description between which two values that lies */
                changeInterval: number[] | null;
                /**
                 * @description what came of it
                 * @enum {string}
                 */
                judgement: "regression" | "worse" | "improvement" | "better" | "no_difference" | "unknown";
                /** @description the same in a sentence */
                explanation: string;
            }[];
            /** @description the figures of each request of the mix */
            requests: {
                /** @description its name */
                name: string;
                /**
                 * @description what came of its figures
                 * @enum {string}
                 */
                judgement: "regression" | "worse" | "improvement" | "better" | "no_difference" | "unknown";
                /** @description its figures */
                changes: {
                    /** @description its name, as SLA rules have it: p50, p90, p95, p99, p99.9, error_rate, achieved_rate, rps */
                    figure: string;
                    /**
                     * @description the unit of base, candidate and difference
                     * @enum {string}
                     */
                    unit: "ms" | "%" | "/s";
                    /** @description in the base */
                    base: number | null;
                    /** @description in the candidate */
                    candidate: number | null;
                    /** @description candidate less base; of % these are percentage points */
                    difference: number | null;
                    /** @description between which two values the difference lies */
                    differenceInterval: number[] | null;
                    /** @description the difference in percent of the base; null where that is 0 */
                    changePercent: number | null;
                    /** @description between which two values that lies */
                    changeInterval: number[] | null;
                    /**
                     * @description what came of it
                     * @enum {string}
                     */
                    judgement: "regression" | "worse" | "improvement" | "better" | "no_difference" | "unknown";
                    /** @description the same in a sentence */
                    explanation: string;
                }[];
            }[];
        };
        /** @description How a part is. */
        Component: {
            /** @description Whether it works. */
            status: components["schemas"]["Condition"];
            /** @description Why not. */
            reason?: string | null;
        };
        /**
         * @description How something is.
         * @enum {string}
         */
        Condition: "UP" | "DOWN";
        /** @description What a POST of a scenario or a run answers. */
        Created: {
            /** @description The id of what was made: for a scenario its own, for a run the run's. */
            id: string;
            /** @description Of which scenario. */
            scenarioId: string;
            /** @description The run that was started; null where none was. */
            runId?: string | null;
            state?: components["schemas"]["RunState"] | null;
            /**
             * Format: date-time
             * @description When it was made (RFC 3339).
             */
            createdAt: string;
        };
        /** @description A domain that was claimed. */
        DomainView: {
            /** @description Its name. */
            domain: string;
            /** @description What is to be published there: as the file or as the record. */
            token: string;
            /** @description Where the file is, over HTTPS or HTTP: the token and nothing else. */
            file: string;
            /** @description The name of the record of DNS, a TXT. */
            record: string;
            /** @description It counts as proved: the domain and all below it may be loaded. */
            proved: boolean;
            /** @description Until when; null where it never was. */
            provedUntil?: string | null;
        };
        /** @description Something that happened in a run. */
        EventView: {
            /**
             * Format: date-time
             * @description When (RFC 3339).
             */
            at: string;
            /**
             * Format: double
             * @description When, in seconds of the run's measured time; null before it.
             */
            atSeconds?: number | null;
            /** @description What, in a word: `created`, `started`, `worker_lost`, `rate_changed`. */
            kind: string;
            /** @description What, in a sentence. */
            text: string;
            /** @description The figures; null where there are none. */
            data?: Record<string, never> | null;
        };
        /** @description One thing that is wrong with a document. */
        FaultView: {
            /** @description Where: `loadProfile.bursts[2].rps`; empty for the document as a whole. */
            path: string;
            /** @description What is wrong, and what to do. */
            message: string;
        };
        /** @description One message of a stream. */
        Frame: {
            /** @description counts up with each frame of the run, from 1 */
            seq: number;
            /** @enum {string} */
            type: "interval";
            /** @description A second of a run, as a row of its series and with what is known now. */
            data: {
                second: number;
                due: number;
                sent: number;
                ok: number;
                failed: number;
                dropped: number;
                /** @description arrivals that wait at its end */
                backlog: number;
                /** @description arrivals up to its end of which nobody can say what became of them */
                unknown: number;
                p50Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                maxMs: number | null;
                /** @description its latencies, compact, in Base64; docs/results.md says how it is read. Null where nothing ended, and where it was asked to be left out */
                distribution: string | null;
                /** @description requests with an outcome, per second */
                rps: number | null;
                /** @description arrivals due, per second; null in closed loop */
                offeredRps: number | null;
                /** @description replies by status */
                statusCodes: {
                    [key: string]: number;
                };
                /** @description failed requests by error class */
                errors: {
                    [key: string]: number;
                };
                /** @description requests under way at its end */
                inFlight: number;
                /** @description workers that make the load */
                activeWorkers: number;
                /**
                 * @description how far the run is
                 * @enum {string}
                 */
                state: "QUEUED" | "PREPARING" | "STARTING" | "RUNNING" | "PAUSED" | "STOPPING" | "COMPLETED" | "ABORTED" | "FAILED";
                requests: {
                    second: number;
                    due: number;
                    sent: number;
                    ok: number;
                    failed: number;
                    dropped: number;
                    /** @description arrivals that wait at its end */
                    backlog: number;
                    /** @description arrivals up to its end of which nobody can say what became of them */
                    unknown: number;
                    p50Ms: number | null;
                    p95Ms: number | null;
                    p99Ms: number | null;
                    maxMs: number | null;
                    /** @description its latencies, compact, in Base64; docs/results.md says how it is read. Null where nothing ended, and where it was asked to be left out */
                    distribution: string | null;
                    /** @description its name in the mix */
                    name: string;
                    /** @description requests with an outcome, per second */
                    rps: number | null;
                    /** @description replies by status */
                    statusCodes: {
                        [key: string]: number;
                    };
                    /** @description failed requests by error class */
                    errors: {
                        [key: string]: number;
                    };
                }[];
                workers: {
                    /** @description its name and id */
                    worker: string;
                    /** @description arrivals of its part that fell due */
                    due: number;
                    /** @description requests that it sent */
                    sent: number;
                    /** @description requests that ended well */
                    ok: number;
                    /** @description requests that failed */
                    failed: number;
                    /** @description arrivals that were given up */
                    dropped: number;
                    /** @description requests without an outcome at the end */
                    inFlight: number;
                    /** @description arrivals that wait at the end */
                    backlog: number;
                    /** @description requests with an outcome, per second */
                    achievedRps: number | null;
                    /** @description median of the latencies, in milliseconds */
                    p50Ms: number | null;
                    /** @description their 99th percentile */
                    p99Ms: number | null;
                    /** @description 99th percentile of actual start minus intended start; null in closed loop */
                    scheduleLagP99Ms: number | null;
                    /** @description 99th percentile of how much later than due the pacer woke */
                    pacerLagP99Ms: number | null;
                    /** @description processor time of the engine threads, as a share of their lifetime */
                    cpuShare: number | null;
                    /** @description share of the load's time in which something was due and the pacer did not act; null in closed loop */
                    lateShare: number | null;
                    /** @description share of it in which the engine threads stood still */
                    stalledShare: number | null;
                    /** @description in closed loop: share of it for which connections waited for a port, a descriptor or memory */
                    shortageShare: number | null;
                }[];
            };
        } | {
            /** @description counts up with each frame of the run, from 1 */
            seq: number;
            /** @enum {string} */
            type: "event";
            data: components["schemas"]["EventView"];
        } | {
            /** @description counts up with each frame of the run, from 1 */
            seq: number;
            /** @enum {string} */
            type: "end";
            /** @description How a run ended. */
            data: {
                /** @enum {string} */
                state: "COMPLETED" | "ABORTED" | "FAILED";
                /** @description whether its data are whole; null where there is no result */
                complete: boolean | null;
            };
        };
        /** @description Why everything is to stop. */
        HaltOrder: {
            /** @description What people read in each run's timeline, and whoever wants to start one. */
            reason: string;
        };
        /** @description Whether the platform is halted. */
        HaltView: {
            /** @description Nothing may run. */
            halted: boolean;
            /** @description Why. */
            reason?: string | null;
            /** @description Who says so. */
            by?: string | null;
            /** @description Since when. */
            since?: string | null;
        };
        /** @description How the controller is, or a part of it. */
        Health: {
            /** @description All of it. */
            status: components["schemas"]["Condition"];
            /** @description Its parts: `store`, `coordinator`, `platform`, `lead`. */
            components?: {
                [key: string]: components["schemas"]["Component"];
            };
        };
        /** @description Distributions in HdrHistogram's encoding. */
        Histograms: {
            /** @description response time; in closed loop service time */
            latency: Record<string, never>;
            /** @description latency over the ok alone; null where they are not known apart */
            okLatency: Record<string, never> | null;
            /** @description service time */
            serviceTime: Record<string, never>;
            /** @description schedule lag; empty in closed loop */
            scheduleLag: Record<string, never>;
        };
        /** @description What runs here. */
        Info: {
            /** @description The program. */
            name: string;
            /** @description Its version. */
            version: string;
            /**
             * Format: int32
             * @description What it speaks with workers.
             */
            protocol: number;
            /** @description Whether it leads. */
            leading: boolean;
            /** @description Where the API lies. */
            api: string;
            /** @description Where the API is described. */
            openapi: string;
        };
        /** @description Limits; what is null has none. */
        Limits: {
            /**
             * Format: double
             * @description Requests per second, of all runs together.
             */
            maxRate?: number | null;
            /**
             * Format: double
             * @description Seconds of a run, with its warm-up.
             */
            maxDurationSeconds?: number | null;
            /**
             * Format: int64
             * @description Open connections, of all runs together.
             */
            maxConnections?: number | null;
            /**
             * Format: int64
             * @description Runs that have not ended.
             */
            maxConcurrentRuns?: number | null;
            /**
             * Format: int64
             * @description Bytes of a request's body.
             */
            maxBodyBytes?: number | null;
        };
        /** @description A page of a list. */
        List_Bottleneck: {
            /** @description The items, newest first where they have an age. */
            items: {
                /** @description what the target does: saturation, queueing, error_cliff, rate_limited, latency_drift, periodic_stall, connection_limit, slow_handshake, cold_start, bimodal_latency, timeout_wall, worker_skew; later versions may know more */
                kind: string;
                /**
                 * @description how bad
                 * @enum {string}
                 */
                severity: "info" | "warning" | "critical";
                /** @description how sure we are */
                confidence: number;
                /** @description when it began, in seconds since the start of the measured time */
                fromSecond: number;
                /** @description when it ended */
                toSecond: number;
                /** @description the request of the mix that it is about; null: all */
                request: string | null;
                /** @description the figures that it rests on */
                evidence: {
                    [key: string]: unknown;
                };
                /** @description what the target said of itself meanwhile */
                witnesses: {
                    /** @description the endpoint that told it */
                    name: string;
                    series: string;
                    /** @description how long before the finding it moved */
                    leadSeconds: number;
                    correlation: number;
                }[];
                /** @description in a sentence */
                explanation: string;
                /** @description what to do about it */
                nextStep: string;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last. */
            nextCursor?: string | null;
        };
        /** @description A page of a list. */
        List_DomainView: {
            /** @description The items, newest first where they have an age. */
            items: {
                /** @description Its name. */
                domain: string;
                /** @description What is to be published there: as the file or as the record. */
                token: string;
                /** @description Where the file is, over HTTPS or HTTP: the token and nothing else. */
                file: string;
                /** @description The name of the record of DNS, a TXT. */
                record: string;
                /** @description It counts as proved: the domain and all below it may be loaded. */
                proved: boolean;
                /** @description Until when; null where it never was. */
                provedUntil?: string | null;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last. */
            nextCursor?: string | null;
        };
        /** @description A page of a list. */
        List_EventView: {
            /** @description The items, newest first where they have an age. */
            items: {
                /**
                 * Format: date-time
                 * @description When (RFC 3339).
                 */
                at: string;
                /**
                 * Format: double
                 * @description When, in seconds of the run's measured time; null before it.
                 */
                atSeconds?: number | null;
                /** @description What, in a word: `created`, `started`, `worker_lost`, `rate_changed`. */
                kind: string;
                /** @description What, in a sentence. */
                text: string;
                /** @description The figures; null where there are none. */
                data?: Record<string, never> | null;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last. */
            nextCursor?: string | null;
        };
        /** @description A page of a list. */
        List_ListedView: {
            /** @description The items, newest first where they have an age. */
            items: {
                /** @description Its id, and that of its run. */
                id: string;
                /** @description Whose requests it makes. */
                scenarioId: string;
                /** @description The scenario's name. */
                name?: string | null;
                /** @description How far its run is. */
                state: components["schemas"]["RunState"];
                /**
                 * Format: date-time
                 * @description When it was asked for (RFC 3339).
                 */
                createdAt: string;
                /** @description The objective. */
                slo?: string | null;
                /**
                 * Format: double
                 * @description The highest rate that is tried.
                 */
                maxRate?: number | null;
                /**
                 * Format: double
                 * @description The highest rate at which the objective holds.
                 */
                capacityRps?: number | null;
                /** @description Between which rates it lies; an end is null where it is not known. */
                interval?: (number | null)[] | null;
                /** @description What does not allow more: `slo`, `generator` or `maxRate`. */
                limitedBy?: string | null;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last. */
            nextCursor?: string | null;
        };
        /** @description A page of a list. */
        List_RunView: {
            /** @description The items, newest first where they have an age. */
            items: {
                /** @description Its id. */
                id: string;
                /** @description Of which scenario. */
                scenarioId: string;
                /** @description How far it is. */
                state: components["schemas"]["RunState"];
                /**
                 * Format: date-time
                 * @description When it was asked for (RFC 3339).
                 */
                createdAt: string;
                /**
                 * Format: date-time
                 * @description When its load began, warm-up included (RFC 3339); null before.
                 */
                startedAt?: string | null;
                /**
                 * Format: date-time
                 * @description When it ended (RFC 3339); null before.
                 */
                endedAt?: string | null;
                /** @description What people should know about it. */
                warnings: string[];
                waitingFor?: components["schemas"]["WaitingView"] | null;
                /** @description The document that was run, with `[redacted]` in the place of what is secret. */
                scenario: components["schemas"]["Scenario"];
                summary?: components["schemas"]["RunSummary"] | null;
                result?: components["schemas"]["Result"] | null;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last. */
            nextCursor?: string | null;
        };
        /** @description A page of a list. */
        List_ScenarioView: {
            /** @description The items, newest first where they have an age. */
            items: {
                /** @description Its id. */
                id: string;
                /**
                 * Format: date-time
                 * @description When it was made (RFC 3339).
                 */
                createdAt: string;
                /**
                 * Format: date-time
                 * @description When it was changed last (RFC 3339).
                 */
                changedAt: string;
                /**
                 * Format: int64
                 * @description How often it was changed.
                 */
                revision: number;
                /** @description Its newest run; null where there is none. */
                runId?: string | null;
                state?: components["schemas"]["RunState"] | null;
                /** @description The run that others are compared with; null where none is named. */
                baselineRunId?: string | null;
                /** @description The document, with `[redacted]` in the place of what is secret. */
                scenario: components["schemas"]["Scenario"];
            }[];
            /** @description What to give as `cursor` for the next page; null on the last. */
            nextCursor?: string | null;
        };
        /** @description A page of a list. */
        List_SecretView: {
            /** @description The items, newest first where they have an age. */
            items: {
                /** @description Scenarios name it `${secret:NAME}`. */
                name: string;
                /** @description When it was kept first. */
                createdAt: string;
                /** @description When it was given its value. */
                changedAt: string;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last. */
            nextCursor?: string | null;
        };
        /** @description A page of a list. */
        List_SlaOutcome: {
            /** @description The items, newest first where they have an age. */
            items: {
                /** @description ok_p99<250ms, error_rate<1%, share{503}<0.1% */
                rule: string;
                passed: boolean;
                /** @description what it was held against, in unit */
                actual: number | null;
                /** @description ms, % or /s */
                unit?: string;
                /** @description why there is no value, or what is to be said of it */
                reason?: string | null;
                windowSeconds?: number | null;
                violations?: {
                    fromSecond: number | null;
                    toSecond: number | null;
                    worst: number | null;
                }[];
                /** @description it ended the run */
                aborted?: boolean;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last. */
            nextCursor?: string | null;
        };
        /** @description A page of a list. */
        List_TokenView: {
            /** @description The items, newest first where they have an age. */
            items: {
                /** @description Its id. */
                id: string;
                /** @description What its owner calls it. */
                name: string;
                /** @description What it is good for. */
                scopes: components["schemas"]["Scope"][];
                /** @description When it was made. */
                createdAt: string;
                /** @description Until when it is good. */
                expiresAt: string;
                /** @description When it was used last, to the minute; null: never. */
                lastUsedAt?: string | null;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last. */
            nextCursor?: string | null;
        };
        /** @description A page of a list. */
        List_WorkerJson: {
            /** @description The items, newest first where they have an age. */
            items: {
                /** @description Which start of which process: a process that is started again is another worker. */
                id: string;
                /** @description What people call it. */
                name: string;
                /** @description Its program's version. */
                version: string;
                /** @description It speaks what this controller speaks; others get no tasks. */
                compatible: boolean;
                /** @description Its lease is not over. */
                alive: boolean;
                /** @description It finishes what it has and takes nothing new. */
                draining: boolean;
                /**
                 * Format: date-time
                 * @description When it was heard of last (RFC 3339), on the coordinator's clock.
                 */
                lastSeenAt: string;
                /**
                 * Format: int64
                 * @description Processors that it may use.
                 */
                cores: number;
                /**
                 * Format: int64
                 * @description Engine threads that it uses; null: as many as its part of a run needs.
                 */
                threads?: number | null;
                /**
                 * Format: double
                 * @description The greatest rate that it takes on; null for any.
                 */
                maxRps?: number | null;
                /**
                 * Format: double
                 * @description How uncertain its clock is against the coordinator's; null until that was measured.
                 */
                clockErrorMs?: number | null;
                /**
                 * @description What it is doing in a run: `taken`, `ready`, `refused`, `running`, `fenced`, `ended`; null
                 *     outside of one.
                 */
                task?: string | null;
                /** @description That run, if it is this user's. */
                runId?: string | null;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last. */
            nextCursor?: string | null;
        };
        /** @description A search in a list. What is not known yet is null. */
        ListedView: {
            /** @description Its id, and that of its run. */
            id: string;
            /** @description Whose requests it makes. */
            scenarioId: string;
            /** @description The scenario's name. */
            name?: string | null;
            /** @description How far its run is. */
            state: components["schemas"]["RunState"];
            /**
             * Format: date-time
             * @description When it was asked for (RFC 3339).
             */
            createdAt: string;
            /** @description The objective. */
            slo?: string | null;
            /**
             * Format: double
             * @description The highest rate that is tried.
             */
            maxRate?: number | null;
            /**
             * Format: double
             * @description The highest rate at which the objective holds.
             */
            capacityRps?: number | null;
            /** @description Between which rates it lies; an end is null where it is not known. */
            interval?: (number | null)[] | null;
            /** @description What does not allow more: `slo`, `generator` or `maxRate`. */
            limitedBy?: string | null;
        };
        /** @description A token that was made. */
        MadeToken: components["schemas"]["TokenView"] & {
            /** @description What the header `Authorization: Bearer` takes. It is shown here and never again. */
            token: string;
        };
        /** @description Who asks, and what they may do beside reading. */
        Me: {
            /** @description Whose scenarios and runs they see. */
            user: string;
            /** @description They may do what holds for everybody: quotas, the halt, draining workers. */
            admin: boolean;
            /** @description They may change what others do in their name: tokens, secrets, domains. */
            account: boolean;
            /** @description They may make, start, steer and delete what is their own. */
            run: boolean;
        };
        /** @description What would run. */
        Preview: {
            /**
             * @description open, where arrivals come by time alone, or closed, where they wait for replies
             * @enum {string}
             */
            loop: "open" | "closed";
            /** @description how long arrivals fall due; null where a number of requests alone ends that */
            durationSeconds: number | null;
            /** @description after so many requests it ends, if not before */
            maxRequests: number | null;
            /** @description load before that, which no statistic counts */
            warmupSeconds: number;
            /** @description when the first arrival would fall due if the load had no end: with one beyond the duration nothing is sent; null in closed loop, and where there is none within a week */
            firstArrivalSeconds: number | null;
            /** @description arrivals in all; null in closed loop. With POISSON arrivals their expected number */
            arrivals: number | null;
            /** @description the highest planned rate; null in closed loop */
            peakRps: number | null;
            /** @description seconds of each row of rate, but for the last, which may be shorter */
            rateSeconds: number;
            /** @description the planned rate over time, up to the last arrival; empty in closed loop */
            rate: {
                /** @description where the row begins */
                second: number;
                /** @description the rate there, in requests per second */
                rps: number;
                /** @description the mean rate in it */
                meanRps: number;
                /** @description the highest rate in it */
                peakRps: number;
            }[];
            /** @description each request of the mix, in its order; empty without one */
            requests: {
                name: string;
                /** @description its part of the weights */
                share: number;
                /** @description how many arrivals are this request, by the seed; null where their number is not known beforehand, or is above 10,000,000 */
                arrivals: number | null;
            }[];
            /** @description the part of each worker that would take part */
            workers: {
                /** @description its number, from 0 */
                worker: number;
                /** @description arrivals that are its own; null in closed loop */
                arrivals: number | null;
                /** @description its highest planned rate; null in closed loop */
                peakRps: number | null;
                /** @description the most connections that it opens */
                connections: number;
            }[];
            /** @description what people should know before they run it */
            notes: string[];
        };
        /** @description What a user may use, and uses. */
        QuotaView: {
            /** @description Who. */
            user: string;
            /** @description What holds: what was set for them, and what holds for everybody where nothing was. */
            limits: components["schemas"]["Limits"];
            own?: components["schemas"]["Limits"] | null;
            /** @description What is used now. */
            used: components["schemas"]["UsedView"];
        };
        /** @description Another rate for what is left of a run. */
        RateChange: {
            /**
             * Format: double
             * @description Requests per second, all workers together: 0 to 10^9.
             */
            targetRps: number;
            /**
             * Format: double
             * @description How long it takes to get there from the present rate: 0 to 604,800.
             */
            overSeconds?: number;
        };
        /** @description What came in the last seconds of a run. */
        Realtime: {
            scenarioId: string;
            runId: string;
            /** @description requests with an outcome in the window */
            totalRequests: number;
            /** @description percentage of ok among them */
            successRate: number | null;
            /** @description mean response time */
            avgLatencyMs: number | null;
            p50LatencyMs: number | null;
            p95LatencyMs: number | null;
            p99LatencyMs: number | null;
            /** @description totalRequests divided by the window's seconds */
            currentRps: number | null;
            /** @description arrivals due per second; null in closed loop */
            offeredRps: number | null;
            statusCodeDistribution: {
                [key: string]: number;
            };
            errors: {
                [key: string]: number;
            };
            /** @description fewer than asked for in a young run */
            windowSeconds: number;
            /** @description the window's end, in seconds of the measured time */
            untilSecond: number;
            activeWorkers: number;
            /** @description each request of the mix, in its order; empty without one */
            requests: {
                name: string;
                /** @description requests with an outcome in the window */
                totalRequests: number;
                /** @description percentage of ok among them */
                successRate: number | null;
                /** @description mean response time */
                avgLatencyMs: number | null;
                p50LatencyMs: number | null;
                p95LatencyMs: number | null;
                p99LatencyMs: number | null;
                /** @description totalRequests divided by the window's seconds */
                currentRps: number | null;
                /** @description arrivals due per second; null in closed loop */
                offeredRps: number | null;
                statusCodeDistribution: {
                    [key: string]: number;
                };
                errors: {
                    [key: string]: number;
                };
            }[];
        };
        /** @description Everything that is known about a run; docs/results.md explains each key. */
        Result: {
            schemaVersion: number;
            /** @description what was to be done */
            scenario: Record<string, never> | null;
            /** @description when the measured time began (RFC 3339) */
            startedAt: string;
            durationSeconds: number | null;
            /** @description version, os, cores, threads, workers, options */
            environment: Record<string, never>;
            /**
             * @description whether arrivals wait for replies
             * @enum {string}
             */
            loop: "open" | "closed";
            offeredRps: number | null;
            achievedRps: number | null;
            /** @description nothing is unknown */
            complete: boolean;
            /** @description due = sent + dropped + backlog + unknown */
            arrivals: {
                due: number;
                sent: number;
                dropped: number;
                backlog: number;
                unknown: number;
                /** @description the dropped ones by reason */
                droppedByReason: {
                    [key: string]: number;
                };
            };
            /** @description sent = ok + failed + unfinished */
            outcomes: {
                ok: number;
                failed: number;
                unfinished: number;
                /** @description of ok and failed: sent only in the drain */
                late: number;
            };
            totalRequests: number;
            /** @description percentage of ok */
            successRate: number | null;
            bytesSent: number;
            bytesReceived: number;
            /** @description response time: end minus intended start */
            latency: {
                minMs: number | null;
                meanMs: number | null;
                stdevMs: number | null;
                p50Ms: number | null;
                p75Ms: number | null;
                p90Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                p999Ms: number | null;
                p9999Ms: number | null;
                maxMs: number | null;
            };
            /** @description end minus actual start */
            serviceTime: {
                minMs: number | null;
                meanMs: number | null;
                stdevMs: number | null;
                p50Ms: number | null;
                p75Ms: number | null;
                p90Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                p999Ms: number | null;
                p9999Ms: number | null;
                maxMs: number | null;
            };
            /** @description actual start minus intended start */
            scheduleLag: {
                minMs: number | null;
                meanMs: number | null;
                stdevMs: number | null;
                p50Ms: number | null;
                p75Ms: number | null;
                p90Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                p999Ms: number | null;
                p9999Ms: number | null;
                maxMs: number | null;
            };
            /** @description replies by status */
            statusCodeDistribution: {
                [key: string]: number;
            };
            /** @description failed requests by error class */
            errors: {
                [key: string]: number;
            };
            sla: Record<string, never>[];
            /** @description verdict and its reasons */
            validity: Record<string, never>;
            /** @description what limits the target, the most important first */
            bottlenecks: components["schemas"]["Bottleneck"][];
            /** @description what the target told of itself, an entry for each endpoint that was observed */
            observed: {
                /** @description its name in the scenario */
                name: string;
                /** @description where it is */
                url: string;
                /** @description how often it was read */
                readings: number;
                /** @description the series that changed, in the order of their names */
                series: {
                    /** @description its name, and its labels in braces */
                    series: string;
                    /**
                     * @description what its values are: as told, the growth of a counter per second, the mean of what a histogram was told in the time, a share of what there is
                     * @enum {string}
                     */
                    kind: "gauge" | "rate" | "mean" | "share";
                    /** @description where each row begins, in seconds since the start of the measured time */
                    second: number[];
                    /** @description the mean of its values in the row; null where it had none */
                    values: (number | null)[];
                }[];
                /** @description when and why it told nothing: the first ones */
                faults: {
                    /** @description of which second */
                    second: number;
                    /** @description what happened, and what to do */
                    text: string;
                }[];
                /** @description how often it told nothing */
                failedReadings: number;
            }[];
            /** @description up to which offered rate each SLA rule held, in their order, where the profile raises the rate; else empty */
            headroom: {
                /** @description the rule */
                rule: string;
                /** @description the highest offered rate up to which it held */
                heldUpToRps: number | null;
                /** @description the lowest from which on it did not hold any more */
                failedAtRps: number | null;
                /** @description seconds up to the first in which it held */
                heldSeconds: number;
                /** @description seconds from the second on in which it did not */
                failedSeconds: number;
            }[];
            /** @description what was spoken with the target; null where nothing was */
            protocol: {
                http: string | null;
                tls: string | null;
                streams: number | null;
            };
            /** @description end minus actual start */
            okLatency: {
                minMs: number | null;
                meanMs: number | null;
                stdevMs: number | null;
                p50Ms: number | null;
                p75Ms: number | null;
                p90Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                p999Ms: number | null;
                p9999Ms: number | null;
                maxMs: number | null;
            };
            /** @description each request of the mix, in its order; empty without one */
            requests: {
                name: string;
                weight: number;
                /** @description due = sent + dropped + backlog + unknown */
                arrivals: {
                    due: number;
                    sent: number;
                    dropped: number;
                    backlog: number;
                    unknown: number;
                    /** @description the dropped ones by reason */
                    droppedByReason: {
                        [key: string]: number;
                    };
                };
                /** @description sent = ok + failed + unfinished */
                outcomes: {
                    ok: number;
                    failed: number;
                    unfinished: number;
                    /** @description of ok and failed: sent only in the drain */
                    late: number;
                };
                totalRequests: number;
                /** @description percentage of ok */
                successRate: number | null;
                achievedRps: number | null;
                bytesSent: number;
                bytesReceived: number;
                /** @description response time: end minus intended start */
                latency: {
                    minMs: number | null;
                    meanMs: number | null;
                    stdevMs: number | null;
                    p50Ms: number | null;
                    p75Ms: number | null;
                    p90Ms: number | null;
                    p95Ms: number | null;
                    p99Ms: number | null;
                    p999Ms: number | null;
                    p9999Ms: number | null;
                    maxMs: number | null;
                };
                /** @description end minus actual start */
                serviceTime: {
                    minMs: number | null;
                    meanMs: number | null;
                    stdevMs: number | null;
                    p50Ms: number | null;
                    p75Ms: number | null;
                    p90Ms: number | null;
                    p95Ms: number | null;
                    p99Ms: number | null;
                    p999Ms: number | null;
                    p9999Ms: number | null;
                    maxMs: number | null;
                };
                /** @description end minus actual start */
                okLatency: {
                    minMs: number | null;
                    meanMs: number | null;
                    stdevMs: number | null;
                    p50Ms: number | null;
                    p75Ms: number | null;
                    p90Ms: number | null;
                    p95Ms: number | null;
                    p99Ms: number | null;
                    p999Ms: number | null;
                    p9999Ms: number | null;
                    maxMs: number | null;
                };
                /** @description replies by status */
                statusCodeDistribution: {
                    [key: string]: number;
                };
                /** @description failed requests by error class */
                errors: {
                    [key: string]: number;
                };
                seriesSeconds: number;
                series: {
                    second: number;
                    due: number;
                    sent: number;
                    ok: number;
                    failed: number;
                    dropped: number;
                    /** @description arrivals that wait at its end */
                    backlog: number;
                    /** @description arrivals up to its end of which nobody can say what became of them */
                    unknown: number;
                    p50Ms: number | null;
                    p95Ms: number | null;
                    p99Ms: number | null;
                    maxMs: number | null;
                    /** @description its latencies, compact, in Base64; docs/results.md says how it is read. Null where nothing ended, and where it was asked to be left out */
                    distribution: string | null;
                }[];
            }[];
            seriesSeconds: number;
            series: {
                second: number;
                due: number;
                sent: number;
                ok: number;
                failed: number;
                dropped: number;
                /** @description arrivals that wait at its end */
                backlog: number;
                /** @description arrivals up to its end of which nobody can say what became of them */
                unknown: number;
                p50Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                maxMs: number | null;
                /** @description its latencies, compact, in Base64; docs/results.md says how it is read. Null where nothing ended, and where it was asked to be left out */
                distribution: string | null;
            }[];
            /**
             * @description what latency is here
             * @enum {string}
             */
            latencyKind: "responseTime" | "serviceTime";
            connect: {
                minMs: number | null;
                meanMs: number | null;
                stdevMs: number | null;
                p50Ms: number | null;
                p75Ms: number | null;
                p90Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                p999Ms: number | null;
                p9999Ms: number | null;
                maxMs: number | null;
            };
            tls: {
                minMs: number | null;
                meanMs: number | null;
                stdevMs: number | null;
                p50Ms: number | null;
                p75Ms: number | null;
                p90Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                p999Ms: number | null;
                p9999Ms: number | null;
                maxMs: number | null;
            };
            firstByte: {
                minMs: number | null;
                meanMs: number | null;
                stdevMs: number | null;
                p50Ms: number | null;
                p75Ms: number | null;
                p90Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                p999Ms: number | null;
                p9999Ms: number | null;
                maxMs: number | null;
            };
            connects: number;
            errorExamples: {
                [key: string]: string;
            };
            warmupSeconds: number | null;
            drainSeconds: number | null;
            interrupted: boolean;
            /** @description how the generator fared */
            generator: Record<string, never>;
            /** @description each worker, in the order of their names; of more than 32 those that fared worst */
            workers: {
                /** @description its name and id */
                worker: string;
                /** @description arrivals of its part that fell due */
                due: number;
                /** @description requests that it sent */
                sent: number;
                /** @description requests that ended well */
                ok: number;
                /** @description requests that failed */
                failed: number;
                /** @description arrivals that were given up */
                dropped: number;
                /** @description requests without an outcome at the end */
                inFlight: number;
                /** @description arrivals that wait at the end */
                backlog: number;
                /** @description requests with an outcome, per second */
                achievedRps: number | null;
                /** @description median of the latencies, in milliseconds */
                p50Ms: number | null;
                /** @description their 99th percentile */
                p99Ms: number | null;
                /** @description 99th percentile of actual start minus intended start; null in closed loop */
                scheduleLagP99Ms: number | null;
                /** @description 99th percentile of how much later than due the pacer woke */
                pacerLagP99Ms: number | null;
                /** @description processor time of the engine threads, as a share of their lifetime */
                cpuShare: number | null;
                /** @description share of the load's time in which something was due and the pacer did not act; null in closed loop */
                lateShare: number | null;
                /** @description share of it in which the engine threads stood still */
                stalledShare: number | null;
                /** @description in closed loop: share of it for which connections waited for a port, a descriptor or memory */
                shortageShare: number | null;
                /** @description verdict on this worker alone, and its reasons */
                validity: Record<string, never>;
                /** @description seconds in each row of its series */
                seriesSeconds: number;
                /** @description It over time, column by column: what stands at one place in all lists is one row. */
                series: {
                    /** @description where each row begins, in seconds since the start of the measured time */
                    second: number[];
                    /** @description due of each row */
                    due: number[];
                    /** @description sent of each row */
                    sent: number[];
                    /** @description ok of each row */
                    ok: number[];
                    /** @description failed of each row */
                    failed: number[];
                    /** @description dropped of each row */
                    dropped: number[];
                    /** @description inFlight of each row */
                    inFlight: number[];
                    /** @description backlog of each row */
                    backlog: number[];
                    /** @description achievedRps of each row */
                    achievedRps: (number | null)[];
                    /** @description p50Ms of each row */
                    p50Ms: (number | null)[];
                    /** @description p99Ms of each row */
                    p99Ms: (number | null)[];
                    /** @description scheduleLagP99Ms of each row */
                    scheduleLagP99Ms: (number | null)[];
                    /** @description pacerLagP99Ms of each row */
                    pacerLagP99Ms: (number | null)[];
                    /** @description cpuShare of each row */
                    cpuShare: (number | null)[];
                    /** @description lateShare of each row */
                    lateShare: (number | null)[];
                    /** @description stalledShare of each row */
                    stalledShare: (number | null)[];
                    /** @description shortageShare of each row */
                    shortageShare: (number | null)[];
                };
            }[];
            /** @description the distributions, in HdrHistogram's encoding */
            histograms: Record<string, never> | null;
        };
        /**
         * @description How far a run is: the library's state, which knows nothing of OpenAPI.
         * @enum {string}
         */
        RunState: "QUEUED" | "PREPARING" | "STARTING" | "RUNNING" | "PAUSED" | "STOPPING" | "COMPLETED" | "ABORTED" | "FAILED";
        /** @description A run in few figures: those of its result, and while it goes on in lists those that are known without judging. */
        RunSummary: {
            /**
             * @description may the measurement be trusted; null where that was not judged yet
             * @enum {string|null}
             */
            verdict: "VALID" | "DEGRADED" | "INVALID" | null;
            /** @description nothing is unknown; null while that was not judged */
            complete: boolean | null;
            /**
             * @description closed: arrivals waited for replies
             * @enum {string}
             */
            loop: "open" | "closed";
            /** @description the measured time */
            durationSeconds: number;
            /** @description requests with an outcome */
            totalRequests: number;
            /** @description arrivals due per second; null in closed loop */
            offeredRps: number | null;
            /** @description requests with an outcome per second */
            achievedRps: number | null;
            /** @description percentage of ok among them */
            successRate: number | null;
            /** @description median of the latency */
            p50Ms: number | null;
            /** @description 99th percentile of the latency */
            p99Ms: number | null;
            /** @description all rules hold; null without rules */
            slaPassed: boolean | null;
            /** @description how many do not; in lists, while the run goes on, just now */
            slaViolated: number;
            /** @description how many findings there are; null where nobody has looked yet */
            findings: number | null;
            /** @description the kind of the most important one */
            finding: string | null;
            /** @description its course, in at most 60 points */
            sparkline: {
                /** @description seconds of each point */
                seconds: number;
                /** @description requests with an outcome per second; null where nothing is known */
                rps: (number | null)[];
                /** @description their 99th percentile; null where nothing ended */
                p99Ms: (number | null)[];
            };
        };
        /** @description One execution of a scenario. */
        RunView: {
            /** @description Its id. */
            id: string;
            /** @description Of which scenario. */
            scenarioId: string;
            /** @description How far it is. */
            state: components["schemas"]["RunState"];
            /**
             * Format: date-time
             * @description When it was asked for (RFC 3339).
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description When its load began, warm-up included (RFC 3339); null before.
             */
            startedAt?: string | null;
            /**
             * Format: date-time
             * @description When it ended (RFC 3339); null before.
             */
            endedAt?: string | null;
            /** @description What people should know about it. */
            warnings: string[];
            waitingFor?: components["schemas"]["WaitingView"] | null;
            /** @description The document that was run, with `[redacted]` in the place of what is secret. */
            scenario: components["schemas"]["Scenario"];
            summary?: components["schemas"]["RunSummary"] | null;
            result?: components["schemas"]["Result"] | null;
        };
        /** @description What to do: the same document as for the command loadcore and the libraries. What no schema can say is told as a fault, with its path: that what happens in the load profile lies within the duration, that the steps add up to it, that the rate is above 0 at some time, and whether the target may be loaded. */
        Scenario: {
            /** @description what people call it */
            name: string;
            /**
             * @description where the requests go: http or https, a host, and a path and a query if need be; a name is resolved by the workers
             * @example http://127.0.0.1:8081/
             * @example https://shop.example/basket?size=3
             */
            targetUrl: string;
            /**
             * @description the request's method
             * @default GET
             * @example GET
             * @example POST
             */
            method: string | null;
            /** @description the request's headers: text, or a list of text for a name with several values; framing headers (Content-Length, Transfer-Encoding, Connection and such) are set by the generator */
            headers?: {
                [key: string]: string | string[];
            } | null;
            /** @description the Host of HTTP/1.1 and the :authority of HTTP/2, in the place of targetUrl's; short for a Host header */
            host?: string;
            /**
             * @description asks for gzip, br or zstd; replies are not unpacked. Short for an Accept-Encoding header
             * @default false
             */
            compressed: boolean;
            /** @description cookies by name: text, or a list of text for a name with several values. Secrets; short for a Cookie header */
            cookies?: {
                [key: string]: string | string[];
            };
            /** @description the request's body */
            body?: string | null;
            /** @description the request's body in base64, where it is no text; in the place of body */
            bodyBase64?: string | null;
            /** @description the body as a form (multipart/form-data), in the place of body; makes the method POST unless it is given */
            form?: {
                /** @description the field's name */
                name: string;
                /** @description its content */
                value?: string;
                /** @description its content in base64, where it is no text */
                valueBase64?: string;
                /** @description makes it a file */
                fileName?: string;
                /** @description what the content is; by default what the end of fileName says */
                contentType?: string;
            }[];
            /** @description requests in the place of the one that method and body make, which stand beside it nowhere: which of them arrival n is follows from seed and n, and each has figures of its own */
            mix?: {
                /** @description its name, which no other request of the mix has */
                name: string;
                /**
                 * @description how often it is sent, in proportion to the others' weights
                 * @default 1
                 */
                weight: number | null;
                /**
                 * @description the request's method
                 * @default GET
                 * @example GET
                 * @example POST
                 */
                method: string | null;
                /**
                 * @description whole, or relative to targetUrl; targetUrl itself where it is left out
                 * @example /cart
                 * @example https://shop.example/basket
                 */
                url?: string | null;
                /** @description headers of its own, each in the place of the scenario's of that name */
                headers?: {
                    [key: string]: string | string[];
                } | null;
                /** @description the request's body */
                body?: string | null;
                /** @description the request's body in base64, where it is no text; in the place of body */
                bodyBase64?: string | null;
                /** @description checks of its own, beside the scenario's */
                checks?: ({
                    status: number | string;
                } | {
                    /** @description the header's name; where several fields have it, one of them must be so */
                    header: string;
                    is: string;
                } | {
                    /** @description the header's name; where several fields have it, one of them must be so */
                    header: string;
                    contains: string;
                } | {
                    /** @description the header's name; where several fields have it, one of them must be so */
                    header: string;
                } | {
                    bodyContains: string;
                } | {
                    bodyBytes: {
                        is: number;
                    } | {
                        atLeast?: number;
                        atMost?: number;
                    };
                } | string)[] | null;
            }[] | null;
            /** @description how long arrivals fall due; may be left out with STEPS alone, whose sum it is */
            durationSeconds?: number | null;
            /**
             * @description load before that at the first rate, excluded from every statistic
             * @default 0
             */
            warmupSeconds: number | null;
            /**
             * @description how many workers share the load
             * @default 1
             */
            numWorkers: number | null;
            /**
             * @description how long to wait for those that are not there
             * @default 10
             */
            workerWaitSeconds: number | null;
            /**
             * @description how long to wait for those that are busy with other runs: in a queue, in the order of coming
             * @default 600
             */
            queueSeconds: number;
            /**
             * @description what to do when one is lost
             * @default rebalance
             * @enum {string|null}
             */
            onWorkerLoss: "rebalance" | "continue" | "fail" | null;
            /** @description the wanted rate over time; without it: closed loop */
            loadProfile?: {
                /** @enum {string} */
                type: "CONSTANT";
                /** @description requests per second, all workers together */
                initialRps: number;
            } | {
                /** @enum {string} */
                type: "RAMP";
                /** @description the first rate */
                initialRps: number;
                /** @description the last rate */
                targetRps: number;
                /** @description how long it takes; the whole duration if it is not given */
                rampUpSeconds?: number | null;
            } | {
                /** @enum {string} */
                type: "BURST";
                /** @description the rate outside the bursts */
                initialRps: number;
                bursts: {
                    /** @description when it begins */
                    startSecond: number;
                    /** @description how long it lasts */
                    durationSeconds: number;
                    /** @description the rate while it lasts */
                    rps: number;
                }[];
            } | {
                /** @enum {string} */
                type: "SPIKE";
                /** @description the rate outside the spike */
                initialRps: number;
                /** @description the rate in it */
                targetRps: number;
                /** @description when it begins; half of the duration */
                spikeStartSecond?: number | null;
                /** @description how long it lasts; a tenth of the duration, at least 1 */
                spikeDurationSeconds?: number | null;
            } | {
                /** @enum {string} */
                type: "STEPS";
                steps: {
                    /** @description how long it lasts */
                    durationSeconds: number;
                    /** @description the rate while it lasts */
                    rps: number;
                }[];
            } | {
                /** @enum {string} */
                type: "SINE";
                /** @description the middle */
                initialRps: number;
                /** @description how far it goes from the middle */
                amplitudeRps: number;
                /** @description from one wave to the next */
                periodSeconds: number;
            } | {
                /** @enum {string} */
                type: "REPLAY";
                points: {
                    /** @description when */
                    second: number;
                    /** @description the rate then */
                    rps: number;
                }[];
            } | null;
            /**
             * @description evenly spaced, or random
             * @default UNIFORM
             * @enum {string|null}
             */
            arrivals: "UNIFORM" | "POISSON" | null;
            /**
             * @description where the random arrivals start
             * @default 0
             */
            seed: number | null;
            /** @description stop after so many requests */
            maxRequests?: number | null;
            /** @description most open connections, of all workers together: 64 in closed loop, 1000 in open loop */
            connections?: number | null;
            /** @description most HTTP/2 requests at once in each: 1 in closed loop, 100 in open loop; another number above 1 beside httpVersion http1 or keepAlive false is a fault */
            streams?: number | null;
            /** @description most arrivals that may wait; ten seconds' worth */
            maxBacklog?: number | null;
            /**
             * @description from the actual start of a request to its end
             * @default 10
             */
            timeoutSeconds: number | null;
            /**
             * @description how long what is in flight at the end is awaited
             * @default 5
             */
            drainSeconds: number | null;
            /**
             * @description how many redirects to follow
             * @default 0
             */
            followRedirects: number | null;
            /**
             * @description whether a certificate that cannot be verified is an error
             * @default true
             */
            tlsVerify: boolean | null;
            /**
             * @description which HTTP to speak
             * @default auto
             * @enum {string|null}
             */
            httpVersion: "auto" | "http1" | "http2" | null;
            /**
             * @description whether a connection carries more than one request
             * @default true
             */
            keepAlive: boolean | null;
            /**
             * @description which addresses of the target's name are dialled
             * @default any
             * @enum {string}
             */
            addressFamily: "any" | "ipv4" | "ipv6";
            /**
             * @description an HTTP proxy, http://[NAME:PASSWORD@]HOST:PORT, which passes on requests for http:// and tunnels for https://. Its address, and what it is asked for, are held against the target policy. Name and password are secrets
             * @example http://proxy.example:3128
             */
            proxy?: string | null;
            /** @description where connections lead in the place of what the URL says: HOST1:PORT1:HOST2:PORT2, an empty part for any or the same, IPv6 addresses in brackets; the first that fits */
            connectTo?: string[] | null;
            /** @description certificates to trust in the place of the system's, as PEM. A file's name is for the command line, which reads it */
            caCertificate?: string | null;
            /** @description our own certificate, for servers that ask for one */
            clientCertificate?: {
                /** @description the certificate, and those that issued it, as PEM */
                certificate: string;
                /** @description its private key, as PEM. A secret */
                key: string;
            } | null;
            /** @description a socket to connect to in the place of the URL's host; for the command line alone */
            unixSocket?: string | null;
            /** @description how long the pacer may let due requests gather, on each worker: what it was told, or 0.001 */
            slackSeconds?: number | null;
            /** @description engine threads of each worker, up to what it was told to use, or has processors: as many as its part needs */
            threads?: number | null;
            /** @description what each reply must have, beyond its status being 2xx or 3xx, to be ok: one that fails a check is failed, class check. Where redirects are followed, the last reply. Of a status of 400 and more the status alone is looked at */
            checks?: ({
                status: number | string;
            } | {
                /** @description the header's name; where several fields have it, one of them must be so */
                header: string;
                is: string;
            } | {
                /** @description the header's name; where several fields have it, one of them must be so */
                header: string;
                contains: string;
            } | {
                /** @description the header's name; where several fields have it, one of them must be so */
                header: string;
            } | {
                bodyContains: string;
            } | {
                bodyBytes: {
                    is: number;
                } | {
                    atLeast?: number;
                    atMost?: number;
                };
            } | string)[] | null;
            /** @description bounds on statistics */
            sla?: (string | {
                /**
                 * @description ok_p99<250ms, error_rate<1%, share{503}<0.1%
                 * @example ok_p99<250ms
                 * @example error_rate<1%
                 * @example ok_rps>=1000
                 */
                rule: string;
                /** @description length of a sliding window; the whole run */
                windowSeconds?: number | null;
                /** @description how long it must not hold */
                forSeconds?: number | null;
                /** @description whether a violation ends the run */
                abort?: boolean | null;
            })[] | null;
            /** @description whom the controller tells when a violation of an SLA rule begins and ends, through the same policy as the target */
            alerts?: {
                /**
                 * @description JSON of our own, or a message for Slack's incoming webhooks
                 * @enum {string}
                 */
                type: "webhook" | "slack";
                /**
                 * @description where it is sent: http or https. Of slack it is a secret
                 * @example https://hooks.example/loadcore
                 */
                url: string;
                /** @description with what a webhook's alerts are signed: text of 16 bytes or more, or whsec_ and a key in base64. A secret */
                secret?: string | null;
            }[] | null;
            /** @description endpoints of the target's own metrics, in Prometheus's text format: read once a second beside the load */
            observe?: (string | {
                /** @description what it is called in the result; its host and port */
                name?: string | null;
                /**
                 * @description where it is
                 * @example http://127.0.0.1:9100/metrics
                 */
                url: string;
            })[] | null;
            /** @description for finding it again */
            tags?: string[] | null;
            /** @description whatever people want to remember */
            notes?: string | null;
            /**
             * @description whether POST starts it at once
             * @default true
             */
            autoStart: boolean | null;
        };
        /** @description A scenario that is kept. */
        ScenarioView: {
            /** @description Its id. */
            id: string;
            /**
             * Format: date-time
             * @description When it was made (RFC 3339).
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description When it was changed last (RFC 3339).
             */
            changedAt: string;
            /**
             * Format: int64
             * @description How often it was changed.
             */
            revision: number;
            /** @description Its newest run; null where there is none. */
            runId?: string | null;
            state?: components["schemas"]["RunState"] | null;
            /** @description The run that others are compared with; null where none is named. */
            baselineRunId?: string | null;
            /** @description The document, with `[redacted]` in the place of what is secret. */
            scenario: components["schemas"]["Scenario"];
        };
        /**
         * @description What an API token is good for.
         * @enum {string}
         */
        Scope: "read" | "run";
        /** @description What is looked for. */
        SearchOrder: {
            /** @description Whose requests are made: a scenario that is kept. Its load and its rules do not count. */
            scenarioId?: string | null;
            scenario?: components["schemas"]["AnyScenario"] | null;
            /** @description The objective, a rule that load makes harder to keep: `ok_p99<50ms`. */
            slo: string;
            /**
             * Format: double
             * @description The highest rate that is tried, in requests per second.
             */
            maxRate: number;
            /**
             * Format: double
             * @description How long the search may last: 20 to 1800, 240 if it is not given.
             */
            durationSeconds?: number | null;
        };
        /** @description A search: a run that tries one rate after the other. */
        SearchView: {
            /** @description Its id, and that of its run. */
            id: string;
            /** @description Whose requests it makes. */
            scenarioId: string;
            /** @description How far its run is. */
            state: components["schemas"]["RunState"];
            /** @description What people should know about the run. */
            warnings: string[];
            /** @description What is known by now. */
            capacity: components["schemas"]["Capacity"];
        };
        /** @description A secret's value. */
        SecretOrder: {
            /** @description A text of 1 to 65536 bytes. No call shows it again. */
            value: string;
        };
        /** @description A secret, without its value. */
        SecretView: {
            /** @description Scenarios name it `${secret:NAME}`. */
            name: string;
            /** @description When it was kept first. */
            createdAt: string;
            /** @description When it was given its value. */
            changedAt: string;
        };
        /** @description A run over time. */
        Series: {
            seriesSeconds: number;
            items: {
                second: number;
                due: number;
                sent: number;
                ok: number;
                failed: number;
                dropped: number;
                /** @description arrivals that wait at its end */
                backlog: number;
                /** @description arrivals up to its end of which nobody can say what became of them */
                unknown: number;
                p50Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                maxMs: number | null;
                /** @description its latencies, compact, in Base64; docs/results.md says how it is read. Null where nothing ended, and where it was asked to be left out */
                distribution: string | null;
            }[];
            /** @description all are on one page */
            nextCursor: null;
        };
        /**
         * @description Where users sign in: both are null where a page cannot offer it. A token that somebody has is taken
         *     all the same.
         */
        SignInPlace: {
            /**
             * @description The Supabase project.
             * @example https://PROJECT.supabase.co
             */
            url?: string | null;
            /** @description Its key for browsers, which is no secret. */
            publishableKey?: string | null;
        };
        /** @description What an SLA rule came to. */
        SlaOutcome: {
            /** @description ok_p99<250ms, error_rate<1%, share{503}<0.1% */
            rule: string;
            passed: boolean;
            /** @description what it was held against, in unit */
            actual: number | null;
            /** @description ms, % or /s */
            unit?: string;
            /** @description why there is no value, or what is to be said of it */
            reason?: string | null;
            windowSeconds?: number | null;
            violations?: {
                fromSecond: number | null;
                toSecond: number | null;
                worst: number | null;
            }[];
            /** @description it ended the run */
            aborted?: boolean;
        };
        /** @description A token that is wanted. */
        TokenOrder: {
            /** @description What people will know it by, such as the pipeline's name. */
            name: string;
            /** @description What it is good for; both if it is not given. */
            scopes?: components["schemas"]["Scope"][] | null;
            /**
             * Format: int32
             * @description The days until its end: 1 to 366, 90 if it is not given.
             */
            expiresInDays?: number | null;
        };
        /** @description A token, without its text. */
        TokenView: {
            /** @description Its id. */
            id: string;
            /** @description What its owner calls it. */
            name: string;
            /** @description What it is good for. */
            scopes: components["schemas"]["Scope"][];
            /** @description When it was made. */
            createdAt: string;
            /** @description Until when it is good. */
            expiresAt: string;
            /** @description When it was used last, to the minute; null: never. */
            lastUsedAt?: string | null;
        };
        /** @description A run's result without its scenario, series and histograms. */
        Totals: {
            schemaVersion: number;
            /** @description when the measured time began (RFC 3339) */
            startedAt: string;
            durationSeconds: number | null;
            /** @description version, os, cores, threads, workers, options */
            environment: Record<string, never>;
            /**
             * @description whether arrivals wait for replies
             * @enum {string}
             */
            loop: "open" | "closed";
            offeredRps: number | null;
            achievedRps: number | null;
            /** @description nothing is unknown */
            complete: boolean;
            /** @description due = sent + dropped + backlog + unknown */
            arrivals: {
                due: number;
                sent: number;
                dropped: number;
                backlog: number;
                unknown: number;
                /** @description the dropped ones by reason */
                droppedByReason: {
                    [key: string]: number;
                };
            };
            /** @description sent = ok + failed + unfinished */
            outcomes: {
                ok: number;
                failed: number;
                unfinished: number;
                /** @description of ok and failed: sent only in the drain */
                late: number;
            };
            totalRequests: number;
            /** @description percentage of ok */
            successRate: number | null;
            bytesSent: number;
            bytesReceived: number;
            /** @description response time: end minus intended start */
            latency: {
                minMs: number | null;
                meanMs: number | null;
                stdevMs: number | null;
                p50Ms: number | null;
                p75Ms: number | null;
                p90Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                p999Ms: number | null;
                p9999Ms: number | null;
                maxMs: number | null;
            };
            /** @description end minus actual start */
            serviceTime: {
                minMs: number | null;
                meanMs: number | null;
                stdevMs: number | null;
                p50Ms: number | null;
                p75Ms: number | null;
                p90Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                p999Ms: number | null;
                p9999Ms: number | null;
                maxMs: number | null;
            };
            /** @description actual start minus intended start */
            scheduleLag: {
                minMs: number | null;
                meanMs: number | null;
                stdevMs: number | null;
                p50Ms: number | null;
                p75Ms: number | null;
                p90Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                p999Ms: number | null;
                p9999Ms: number | null;
                maxMs: number | null;
            };
            /** @description replies by status */
            statusCodeDistribution: {
                [key: string]: number;
            };
            /** @description failed requests by error class */
            errors: {
                [key: string]: number;
            };
            sla: Record<string, never>[];
            /** @description verdict and its reasons */
            validity: Record<string, never>;
            /** @description what limits the target, the most important first */
            bottlenecks: components["schemas"]["Bottleneck"][];
            /** @description what the target told of itself, an entry for each endpoint that was observed */
            observed: {
                /** @description its name in the scenario */
                name: string;
                /** @description where it is */
                url: string;
                /** @description how often it was read */
                readings: number;
                /** @description the series that changed, in the order of their names */
                series: {
                    /** @description its name, and its labels in braces */
                    series: string;
                    /**
                     * @description what its values are: as told, the growth of a counter per second, the mean of what a histogram was told in the time, a share of what there is
                     * @enum {string}
                     */
                    kind: "gauge" | "rate" | "mean" | "share";
                    /** @description where each row begins, in seconds since the start of the measured time */
                    second: number[];
                    /** @description the mean of its values in the row; null where it had none */
                    values: (number | null)[];
                }[];
                /** @description when and why it told nothing: the first ones */
                faults: {
                    /** @description of which second */
                    second: number;
                    /** @description what happened, and what to do */
                    text: string;
                }[];
                /** @description how often it told nothing */
                failedReadings: number;
            }[];
            /** @description up to which offered rate each SLA rule held, in their order, where the profile raises the rate; else empty */
            headroom: {
                /** @description the rule */
                rule: string;
                /** @description the highest offered rate up to which it held */
                heldUpToRps: number | null;
                /** @description the lowest from which on it did not hold any more */
                failedAtRps: number | null;
                /** @description seconds up to the first in which it held */
                heldSeconds: number;
                /** @description seconds from the second on in which it did not */
                failedSeconds: number;
            }[];
            /** @description what was spoken with the target; null where nothing was */
            protocol: {
                http: string | null;
                tls: string | null;
                streams: number | null;
            };
            /** @description end minus actual start */
            okLatency: {
                minMs: number | null;
                meanMs: number | null;
                stdevMs: number | null;
                p50Ms: number | null;
                p75Ms: number | null;
                p90Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                p999Ms: number | null;
                p9999Ms: number | null;
                maxMs: number | null;
            };
            /** @description each request of the mix, in its order; empty without one */
            requests: {
                name: string;
                weight: number;
                /** @description due = sent + dropped + backlog + unknown */
                arrivals: {
                    due: number;
                    sent: number;
                    dropped: number;
                    backlog: number;
                    unknown: number;
                    /** @description the dropped ones by reason */
                    droppedByReason: {
                        [key: string]: number;
                    };
                };
                /** @description sent = ok + failed + unfinished */
                outcomes: {
                    ok: number;
                    failed: number;
                    unfinished: number;
                    /** @description of ok and failed: sent only in the drain */
                    late: number;
                };
                totalRequests: number;
                /** @description percentage of ok */
                successRate: number | null;
                achievedRps: number | null;
                bytesSent: number;
                bytesReceived: number;
                /** @description response time: end minus intended start */
                latency: {
                    minMs: number | null;
                    meanMs: number | null;
                    stdevMs: number | null;
                    p50Ms: number | null;
                    p75Ms: number | null;
                    p90Ms: number | null;
                    p95Ms: number | null;
                    p99Ms: number | null;
                    p999Ms: number | null;
                    p9999Ms: number | null;
                    maxMs: number | null;
                };
                /** @description end minus actual start */
                serviceTime: {
                    minMs: number | null;
                    meanMs: number | null;
                    stdevMs: number | null;
                    p50Ms: number | null;
                    p75Ms: number | null;
                    p90Ms: number | null;
                    p95Ms: number | null;
                    p99Ms: number | null;
                    p999Ms: number | null;
                    p9999Ms: number | null;
                    maxMs: number | null;
                };
                /** @description end minus actual start */
                okLatency: {
                    minMs: number | null;
                    meanMs: number | null;
                    stdevMs: number | null;
                    p50Ms: number | null;
                    p75Ms: number | null;
                    p90Ms: number | null;
                    p95Ms: number | null;
                    p99Ms: number | null;
                    p999Ms: number | null;
                    p9999Ms: number | null;
                    maxMs: number | null;
                };
                /** @description replies by status */
                statusCodeDistribution: {
                    [key: string]: number;
                };
                /** @description failed requests by error class */
                errors: {
                    [key: string]: number;
                };
                seriesSeconds: number;
                series: {
                    second: number;
                    due: number;
                    sent: number;
                    ok: number;
                    failed: number;
                    dropped: number;
                    /** @description arrivals that wait at its end */
                    backlog: number;
                    /** @description arrivals up to its end of which nobody can say what became of them */
                    unknown: number;
                    p50Ms: number | null;
                    p95Ms: number | null;
                    p99Ms: number | null;
                    maxMs: number | null;
                    /** @description its latencies, compact, in Base64; docs/results.md says how it is read. Null where nothing ended, and where it was asked to be left out */
                    distribution: string | null;
                }[];
            }[];
            /**
             * @description what latency is here
             * @enum {string}
             */
            latencyKind: "responseTime" | "serviceTime";
            connect: {
                minMs: number | null;
                meanMs: number | null;
                stdevMs: number | null;
                p50Ms: number | null;
                p75Ms: number | null;
                p90Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                p999Ms: number | null;
                p9999Ms: number | null;
                maxMs: number | null;
            };
            tls: {
                minMs: number | null;
                meanMs: number | null;
                stdevMs: number | null;
                p50Ms: number | null;
                p75Ms: number | null;
                p90Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                p999Ms: number | null;
                p9999Ms: number | null;
                maxMs: number | null;
            };
            firstByte: {
                minMs: number | null;
                meanMs: number | null;
                stdevMs: number | null;
                p50Ms: number | null;
                p75Ms: number | null;
                p90Ms: number | null;
                p95Ms: number | null;
                p99Ms: number | null;
                p999Ms: number | null;
                p9999Ms: number | null;
                maxMs: number | null;
            };
            connects: number;
            errorExamples: {
                [key: string]: string;
            };
            warmupSeconds: number | null;
            drainSeconds: number | null;
            interrupted: boolean;
            /** @description how the generator fared */
            generator: Record<string, never>;
            /** @description each worker, in the order of their names; of more than 32 those that fared worst */
            workers: {
                /** @description its name and id */
                worker: string;
                /** @description arrivals of its part that fell due */
                due: number;
                /** @description requests that it sent */
                sent: number;
                /** @description requests that ended well */
                ok: number;
                /** @description requests that failed */
                failed: number;
                /** @description arrivals that were given up */
                dropped: number;
                /** @description requests without an outcome at the end */
                inFlight: number;
                /** @description arrivals that wait at the end */
                backlog: number;
                /** @description requests with an outcome, per second */
                achievedRps: number | null;
                /** @description median of the latencies, in milliseconds */
                p50Ms: number | null;
                /** @description their 99th percentile */
                p99Ms: number | null;
                /** @description 99th percentile of actual start minus intended start; null in closed loop */
                scheduleLagP99Ms: number | null;
                /** @description 99th percentile of how much later than due the pacer woke */
                pacerLagP99Ms: number | null;
                /** @description processor time of the engine threads, as a share of their lifetime */
                cpuShare: number | null;
                /** @description share of the load's time in which something was due and the pacer did not act; null in closed loop */
                lateShare: number | null;
                /** @description share of it in which the engine threads stood still */
                stalledShare: number | null;
                /** @description in closed loop: share of it for which connections waited for a port, a descriptor or memory */
                shortageShare: number | null;
                /** @description verdict on this worker alone, and its reasons */
                validity: Record<string, never>;
                /** @description seconds in each row of its series */
                seriesSeconds: number;
                /** @description It over time, column by column: what stands at one place in all lists is one row. */
                series: {
                    /** @description where each row begins, in seconds since the start of the measured time */
                    second: number[];
                    /** @description due of each row */
                    due: number[];
                    /** @description sent of each row */
                    sent: number[];
                    /** @description ok of each row */
                    ok: number[];
                    /** @description failed of each row */
                    failed: number[];
                    /** @description dropped of each row */
                    dropped: number[];
                    /** @description inFlight of each row */
                    inFlight: number[];
                    /** @description backlog of each row */
                    backlog: number[];
                    /** @description achievedRps of each row */
                    achievedRps: (number | null)[];
                    /** @description p50Ms of each row */
                    p50Ms: (number | null)[];
                    /** @description p99Ms of each row */
                    p99Ms: (number | null)[];
                    /** @description scheduleLagP99Ms of each row */
                    scheduleLagP99Ms: (number | null)[];
                    /** @description pacerLagP99Ms of each row */
                    pacerLagP99Ms: (number | null)[];
                    /** @description cpuShare of each row */
                    cpuShare: (number | null)[];
                    /** @description lateShare of each row */
                    lateShare: (number | null)[];
                    /** @description stalledShare of each row */
                    stalledShare: (number | null)[];
                    /** @description shortageShare of each row */
                    shortageShare: (number | null)[];
                };
            }[];
        };
        /** @description What a user's runs that have not ended use. */
        UsedView: {
            /**
             * Format: double
             * @description Requests per second, each run at its peak.
             */
            rate: number;
            /**
             * Format: int64
             * @description Connections that they may open.
             */
            connections: number;
            /**
             * Format: int64
             * @description How many they are.
             */
            concurrentRuns: number;
        };
        /** @description What was found out about a scenario. */
        Validation: {
            /** @description It could be run. */
            valid: boolean;
            /** @description Everything that is wrong with it. */
            faults: components["schemas"]["FaultView"][];
            plan?: components["schemas"]["Preview"] | null;
        };
        /** @description What a run waits for. */
        WaitingView: {
            /**
             * @description What, to be read after "waits for".
             * @example its workers (1 of 2 workers there; place 2 in the queue)
             */
            what: string;
            /**
             * Format: date-time
             * @description When it waits no longer (RFC 3339).
             */
            until: string;
            /**
             * Format: double
             * @description How long that is yet.
             */
            leftSeconds: number;
        };
        /** @description A worker. */
        WorkerJson: {
            /** @description Which start of which process: a process that is started again is another worker. */
            id: string;
            /** @description What people call it. */
            name: string;
            /** @description Its program's version. */
            version: string;
            /** @description It speaks what this controller speaks; others get no tasks. */
            compatible: boolean;
            /** @description Its lease is not over. */
            alive: boolean;
            /** @description It finishes what it has and takes nothing new. */
            draining: boolean;
            /**
             * Format: date-time
             * @description When it was heard of last (RFC 3339), on the coordinator's clock.
             */
            lastSeenAt: string;
            /**
             * Format: int64
             * @description Processors that it may use.
             */
            cores: number;
            /**
             * Format: int64
             * @description Engine threads that it uses; null: as many as its part of a run needs.
             */
            threads?: number | null;
            /**
             * Format: double
             * @description The greatest rate that it takes on; null for any.
             */
            maxRps?: number | null;
            /**
             * Format: double
             * @description How uncertain its clock is against the coordinator's; null until that was measured.
             */
            clockErrorMs?: number | null;
            /**
             * @description What it is doing in a run: `taken`, `ready`, `refused`, `running`, `fenced`, `ended`; null
             *     outside of one.
             */
            task?: string | null;
            /** @description That run, if it is this user's. */
            runId?: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
