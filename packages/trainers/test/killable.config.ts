const conditions = ["@etalon/source"];

/** For `killable.ts` in a process of its own: sources, unbuilt, as the tests take them. */
export default { resolve: { conditions }, ssr: { resolve: { conditions, externalConditions: conditions } } };
