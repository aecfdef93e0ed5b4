// What one rank cannot do, no rank does: so that none is left waiting in a call that another never makes.
#pragma once
#include <string>

#include "mpi/transport.h"

namespace etalon::mpi {
/** A failure that all ranks have: they may end in order. */
struct Refusal : Failure {
  using Failure::Failure;
};

/** Called by all ranks. @param problem  what stands in this rank's way, "" where nothing does    @throws Refusal: on all ranks, where one has a problem; names it */
void agree(ProcessTransport& transport, const std::string& problem);

/** Every rank's text, by rank. */
std::vector<std::string> gather_texts(Transport& transport, const std::string& own);
}  // namespace etalon::mpi
