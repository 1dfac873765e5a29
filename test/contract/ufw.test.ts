import { enforcerContract } from "./enforcer-contract.ts";

enforcerContract("ufw");
