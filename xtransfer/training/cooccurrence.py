"""Token statistics from raw counts, before any training.

`embeddings` puts tokens of all languages into one space, based on which texts they occur in: positive pointwise mutual
information of co-occurrence in a parallel text, then a symmetric factorisation (Levy & Goldberg 2014; for parallel
text Levy, Søgaard & Goldberg 2017). Translations, and words from similar texts, start out close. `neighbour_profiles`
compares tokens by the tokens directly beside them (Schütze 1995), which gives rough word classes. Exchanging two
tokens of one class keeps a sentence fluent, so it is a corruption worth detecting.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

_MAX_TEXTS = 20_000  # more hardly change the factors, and the count matrix of a 32k vocabulary must fit into memory
_MAX_PAIRS = 10_000_000  # more would take minutes to factorise
_NUM_CONTEXTS = 256  # frequent tokens counted as contexts
_PROFILE_SIZE = 48


def embeddings(texts: list[Ints], vocab_size: int, size: int, seed: int) -> Floats:
    """Returns one row per token, at unit length, zero for tokens that never occur. `texts`: tokens of mixed languages.

    Subtracting a constant from the information (Levy & Goldberg's shift) makes it worse: it removes the weak but
    consistent alignment of function words (dev, non-English: .43 with 0.4 nats, .56 without).
    """
    texts = texts[:_MAX_TEXTS]
    present = [np.unique(tokens) for tokens in texts]
    rows = np.repeat(np.arange(len(present)), [len(tokens) for tokens in present])
    columns = np.concatenate(present)
    ones = np.ones(len(rows), dtype=np.float32)
    occurs = scipy.sparse.csr_matrix((ones, (rows, columns)), shape=(len(present), vocab_size))
    together = (occurs.T @ occurs).tocoo()
    if together.nnz > _MAX_PAIRS:  # in a large vocabulary, pairs seen together once are mostly chance
        often = together.data > 1
        kept = together.data[often], (together.row[often], together.col[often])
        together = scipy.sparse.coo_matrix(kept, shape=together.shape)
    frequency = np.asarray(occurs.sum(axis=0)).ravel()
    expected = frequency[together.row] * frequency[together.col] / len(present)
    information = np.maximum(np.log(together.data / expected), 0).astype(np.float32)
    matrix = scipy.sparse.csr_matrix((information, (together.row, together.col)), shape=together.shape)
    matrix.eliminate_zeros()
    return _unit_rows(_factors(matrix, size, seed))


def neighbour_profiles(sentences: list[Ints], vocab_size: int, seed: int) -> Floats:
    """Returns one row per token, at unit length; dot products are similarities of direct neighbours."""
    edge = vocab_size
    tokens = np.insert(np.concatenate([np.append(sentence, edge) for sentence in sentences]), 0, edge)
    counts = np.bincount(tokens, minlength=vocab_size + 1)
    contexts = np.argsort(-counts, kind="stable")[:_NUM_CONTEXTS]
    column = np.full(vocab_size + 1, -1)
    column[contexts] = np.arange(len(contexts))
    profile = scipy.sparse.csr_matrix((vocab_size, 2 * len(contexts)), dtype=np.float32)
    for side, (words, beside) in enumerate(((tokens[1:], tokens[:-1]), (tokens[:-1], tokens[1:]))):
        kept = (words < vocab_size) & (column[beside] >= 0)
        ones = np.ones(int(kept.sum()), dtype=np.float32)
        where = (words[kept], column[beside[kept]] + side * len(contexts))
        profile = profile + scipy.sparse.csr_matrix((ones, where), shape=profile.shape)
    profile.data = np.sqrt(profile.data)  # Hellinger: keeps the most frequent neighbour from dominating
    norms = scipy.sparse.linalg.norm(profile, axis=1)
    profile = scipy.sparse.diags_array(1 / np.maximum(norms, 1e-9)).tocsr() @ profile
    size = min(_PROFILE_SIZE, min(profile.shape) - 1)
    projection = np.random.default_rng(seed).standard_normal((profile.shape[1], size)) / np.sqrt(size)
    if profile.shape[1] > size:
        gram = (profile.T @ profile).toarray()
        values, vectors = np.linalg.eigh(gram)
        projection = vectors[:, np.argsort(-values)[:size]]
    return _unit_rows((profile @ projection).astype(np.float32))


def _factors(matrix: scipy.sparse.csr_matrix, size: int, seed: int) -> Floats:
    """Returns F with `size` columns such that F Fᵀ ≈ matrix, from its leading eigenvectors."""
    used = np.flatnonzero(np.diff(matrix.indptr))
    compact = matrix[used][:, used].astype(np.float64)
    wanted = min(size, len(used) - 1)
    start = np.random.default_rng(seed).standard_normal(len(used))  # ARPACK's default start is not reproducible
    values, vectors = scipy.sparse.linalg.eigsh(compact, k=wanted, which="LA", v0=start)
    order = np.argsort(-values)
    vectors, values = vectors[:, order], np.maximum(values[order], 0)
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(wanted)])  # signs are arbitrary
    factors = np.zeros((matrix.shape[0], size), dtype=np.float32)
    factors[used, :wanted] = vectors * np.sqrt(values)
    return factors


def _unit_rows(matrix: Floats) -> Floats:
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.where(norms > 1e-6, norms, 1)).astype(np.float32)
