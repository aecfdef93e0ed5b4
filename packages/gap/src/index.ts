export { EtalonError } from "@etalon/errors";
