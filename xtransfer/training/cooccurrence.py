"""What raw counts say about tokens, before any training.

`embeddings`: tokens of all languages in one space, from which texts they occur in (positive pointwise mutual
information of co-occurrence in a parallel text, then a symmetric factorisation; Levy & Goldberg 2014, and for
parallel text Levy, Søgaard & Goldberg 2017). Translations, and words that keep the same company, start out
close. `neighbour_profiles`: how alike two tokens are in what stands directly beside them (Schütze 1995):
roughly, word classes. Exchanging two tokens of one class leaves a sentence fluent, which makes it a
corruption worth detecting.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

_MAX_TEXTS = 20_000  # more texts hardly move the factors, and the count matrix of a 32k vocabulary must fit
_MAX_PAIRS = 10_000_000  # more take minutes to factorise
_NUM_CONTEXTS = 256  # frequent tokens that neighbours are told apart by
_PROFILE_SIZE = 48


def embeddings(texts: list[Ints], vocab_size: int, size: int, seed: int) -> Floats:
    """One row of unit length per token, zero where a token never occurred. `texts`: tokens, languages mixed.

    Subtracting a constant from the information (Levy & Goldberg's shift) was tried and does harm: it removes
    the weak but consistent alignment of function words (dev, non-English: .43 at .4 nats, .56 without).
    """
    texts = texts[:_MAX_TEXTS]
    present = [np.unique(tokens) for tokens in texts]
    rows = np.repeat(np.arange(len(present)), [len(tokens) for tokens in present])
    columns = np.concatenate(present)
    ones = np.ones(len(rows), dtype=np.float32)
    occurs = scipy.sparse.csr_matrix((ones, (rows, columns)), shape=(len(present), vocab_size))
    together = (occurs.T @ occurs).tocoo()
    if together.nnz > _MAX_PAIRS:  # of a large vocabulary, what was seen together once is mostly chance
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
    """One row of unit length per token; a dot product says how alike two tokens' direct neighbours are."""
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
    profile.data = np.sqrt(profile.data)  # Hellinger: keeps the commonest neighbour from deciding alone
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
    """F of `size` columns with F Fᵀ ≈ matrix, from its leading eigenvectors."""
    used = np.flatnonzero(np.diff(matrix.indptr))
    compact = matrix[used][:, used].astype(np.float64)
    wanted = min(size, len(used) - 1)
    start = np.random.default_rng(seed).standard_normal(len(used))  # ARPACK's own start is not reproducible
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
