const conditions = ["@etalon/source"];

/** For `spawnSource`: the packages unbuilt, through the "@etalon/source" condition of their exports. */
export default { resolve: { conditions }, ssr: { resolve: { conditions, externalConditions: conditions } } };
